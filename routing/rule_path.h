// A rule's path in the shape in which requests are matched.
#pragma once

#include <string>
#include <string_view>

#include "routing/snapshot.h"

namespace portico::routing {

// The normal form of a rule's path (NormalTarget's, so that rule and request agree about escapes,
// dots and doubled slashes). Bytes that a request can only send escaped are escaped: "/café" is
// "/caf%C3%A9".
//
// A Prefix is by whole segments and its trailing slash means nothing: text() always ends with one,
// as if it were the string prefix "/foo/" that "/foo" satisfies too. That also gives its rank among
// string prefixes.
class RulePath {
 public:
  explicit RulePath(const RouteSpec& spec);

  [[nodiscard]] PathKind kind() const { return kind_; }
  [[nodiscard]] const std::string& text() const { return text_; }
  // By definition, not by trie. `path` is NormalTarget::path().
  [[nodiscard]] bool matches(std::string_view path) const;

 private:
  PathKind kind_;
  std::string text_;
};

// "Exact", "Prefix", "ImplementationSpecific"
std::string_view to_string(PathKind kind);

}  // namespace portico::routing
