// A regular expression that is looked for in texts of the network.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace re2 {
class RE2;
}

namespace portico::routing {

// Found anywhere in a text, in time linear in it (RE2); empty: anything matches.
//
// Thread: immutable; shared by all who copy it.
class TextPattern {
 public:
  TextPattern() = default;
  // Nothing where `text` is no expression of RE2's syntax, or one that takes too much memory.
  static std::optional<TextPattern> parse(std::string_view text);

  [[nodiscard]] bool matches(std::string_view subject) const;
  [[nodiscard]] const std::string& text() const { return text_; }
  bool operator==(const TextPattern& other) const { return text_ == other.text_; }

 private:
  std::string text_;
  std::shared_ptr<const re2::RE2> expression_;
};

}  // namespace portico::routing
