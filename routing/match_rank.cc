#include "routing/match_rank.h"

#include <algorithm>

#include <absl/strings/ascii.h>

namespace portico::routing {
namespace {

// The digits at the front of `text`, without leading zeros; removes them from it.
std::string_view take_number(std::string_view& text) {
  std::size_t end = 0;
  while (end < text.size() && absl::ascii_isdigit(text[end])) {
    ++end;
  }
  auto number = text.substr(0, end);
  text.remove_prefix(end);
  number.remove_prefix(std::min(number.find_first_not_of('0'), number.size()));
  return number;
}

}  // namespace

HostExactness exactness(const Hostname& host) {
  if (host.is_any()) {
    return HostExactness::kAny;
  }
  return host.is_wildcard() ? HostExactness::kWildcard : HostExactness::kExact;
}

std::strong_ordering MatchRank::FieldOrder::operator<=>(const FieldOrder& other) const {
  auto left = text;
  auto right = other.text;
  while (!left.empty() && !right.empty()) {
    if (absl::ascii_isdigit(left[0]) && absl::ascii_isdigit(right[0])) {
      const auto a = take_number(left);
      const auto b = take_number(right);
      if (a != b) {
        return a.size() != b.size() ? a.size() <=> b.size() : a <=> b;
      }
      continue;
    }
    if (left[0] != right[0]) {
      return left[0] <=> right[0];
    }
    left.remove_prefix(1);
    right.remove_prefix(1);
  }
  // Equal only where the texts are, as operator== says: "paths[01]" and "paths[1]" stay apart.
  return left.size() != right.size() ? left.size() <=> right.size() : text <=> other.text;
}

MatchRank::MatchRank(const Hostname& rule_host, const RulePath& rule_path, const RouteSpec& spec)
    : host(exactness(rule_host)),
      partial(rule_path.kind() != PathKind::kExact),
      length(rule_path.text().size()),
      kind(rule_path.kind()),
      path(rule_path.text()),
      created_unix_seconds(spec.created_unix_seconds),
      namespace_(spec.origin.namespace_),
      name(spec.origin.name),
      field(spec.field) {}

bool MatchRank::same_match(const MatchRank& other) const {
  return host == other.host && kind == other.kind && path == other.path;
}

std::string_view reason(const MatchRank& winner, const MatchRank& loser) {
  if (winner.host != loser.host) {
    return "its host is more exact";
  }
  if (winner.partial != loser.partial) {
    return "it is Exact";
  }
  if (winner.length != loser.length) {
    return "its path is longer";
  }
  if (winner.kind != loser.kind) {
    return "Prefix comes before ImplementationSpecific";
  }
  if (winner.created_unix_seconds != loser.created_unix_seconds) {
    return "its object is older";
  }
  if (winner.namespace_ != loser.namespace_ || winner.name != loser.name) {
    return "its object's namespace and name come first";
  }
  return "it comes first in its object";
}

}  // namespace portico::routing
