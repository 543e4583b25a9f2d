// The one order of precedence among rules.
#pragma once

#include <compare>
#include <cstdint>
#include <string_view>

#include "routing/rule_path.h"
#include "routing/snapshot.h"

namespace portico::routing {

enum class HostExactness : std::uint8_t { kExact, kWildcard, kAny };
HostExactness exactness(const Hostname& host);

// Where a rule stands among all that match a request: the smaller wins. Members are compared in
// this order, so the order of members is the order of precedence; a match by method, header or
// query will be a member after `path`, as Gateway API's HTTPRoute ranks them.
//
// Lifetime: views into the RulePath and the RouteSpec that it was made from.
struct MatchRank {
  struct LongerFirst {
    std::size_t bytes = 0;
    bool operator==(const LongerFirst&) const = default;
    std::strong_ordering operator<=>(const LongerFirst& other) const {
      return other.bytes <=> bytes;
    }
  };
  // "paths[2]" before "paths[10]"
  struct FieldOrder {
    std::string_view text;
    bool operator==(const FieldOrder&) const = default;
    std::strong_ordering operator<=>(const FieldOrder& other) const;
  };

  HostExactness host = HostExactness::kAny;
  bool partial = false;  // Exact comes first
  LongerFirst length;
  PathKind kind = PathKind::kExact;  // Prefix before ImplementationSpecific
  std::string_view path;  // no preference: no two of one length and kind match one request
  std::int64_t created_unix_seconds = 0;
  std::string_view namespace_;
  std::string_view name;
  FieldOrder field;

  MatchRank(const Hostname& host, const RulePath& path, const RouteSpec& spec);
  bool operator==(const MatchRank&) const = default;
  std::strong_ordering operator<=>(const MatchRank&) const = default;

  // Both match exactly the same requests, so that the lesser can never win.
  [[nodiscard]] bool same_match(const MatchRank& other) const;
};

// Why `winner` comes before `loser`, as the end of a sentence: "its path is longer".
std::string_view reason(const MatchRank& winner, const MatchRank& loser);

}  // namespace portico::routing
