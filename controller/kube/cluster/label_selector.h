// Which objects are meant, by their labels: `team=web,tier in (a, b),!canary`.
//
// See https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace portico::kube {

using Labels = std::map<std::string, std::string, std::less<>>;

// Requirements that must all hold; the empty selector selects everything. Parsed is valid.
class LabelSelector {
 public:
  // `k`, `!k`, `k=v`, `k==v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, separated by commas.
  //
  // Errors: one line that quotes the text at fault.
  static std::expected<LabelSelector, std::string> parse(std::string_view text);

  [[nodiscard]] bool matches(const Labels& labels) const;

 private:
  class Parser;
  enum class Operator : std::uint8_t { kIn, kNotIn, kExists, kAbsent };
  struct Requirement {
    std::string key;
    Operator op = Operator::kExists;
    std::vector<std::string> values;
  };

  std::vector<Requirement> requirements_;
};

}  // namespace portico::kube
