#include "routing/testing/naive_matcher.h"

#include <tuple>

namespace portico::routing::testing {
namespace {

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts(1);
  for (const char byte : text) {
    if (byte == '/') {
      parts.emplace_back();
    } else {
      parts.back().push_back(byte);
    }
  }
  return parts;
}

std::string merge_slashes(std::string text) {
  for (auto at = text.find("//"); at != text.npos; at = text.find("//")) {
    text.erase(at, 1);
  }
  return text;
}

std::string rule_text(const RouteSpec& rule) {
  auto text = merge_slashes(rule.path);
  if (rule.kind == PathKind::kPrefix && text.ends_with('/')) {
    text.pop_back();
  }
  return text;
}

bool matches(const RouteSpec& rule, std::string_view path) {
  const auto text = rule_text(rule);
  if (rule.kind == PathKind::kExact) {
    return path == text;
  }
  if (rule.kind == PathKind::kStringPrefix) {
    return path.substr(0, text.size()) == text;
  }
  const auto wanted = split(text);
  const auto given = split(path);
  if (given.size() < wanted.size()) {
    return false;
  }
  return std::equal(wanted.begin(), wanted.end(), given.begin());
}

int kind_order(const RouteSpec& rule) {
  return rule.kind == PathKind::kExact ? 0 : rule.kind == PathKind::kPrefix ? 1 : 2;
}

// A Prefix counts as long as with its trailing slash.
int length(const RouteSpec& rule) {
  return static_cast<int>(rule_text(rule).size()) + (rule.kind == PathKind::kPrefix ? 1 : 0);
}

bool better(const RouteSpec& left, const RouteSpec& right) {
  if ((left.kind == PathKind::kExact) != (right.kind == PathKind::kExact)) {
    return left.kind == PathKind::kExact;
  }
  const auto key = [](const RouteSpec& rule) {
    return std::tuple(-length(rule), kind_order(rule), rule.created_unix_seconds,
                      rule.origin.namespace_, rule.origin.name, rule.field);
  };
  return key(left) < key(right);
}

bool host_matches(const HostSpec& spec, std::string_view host, int level) {
  const auto& text = spec.host.text();
  if (level == 0) {
    return !text.empty() && text == host;
  }
  if (level == 1) {
    const auto dot = host.find('.');
    return text.starts_with("*.") && dot != host.npos && text.substr(1) == host.substr(dot);
  }
  return text.empty();
}

}  // namespace

const RouteSpec* naive_match(const std::vector<HostSpec>& hosts, std::string_view host,
                             std::string_view path) {
  for (int level = 0; level < 3; ++level) {
    const RouteSpec* best = nullptr;
    for (const auto& spec : hosts) {
      if (!host_matches(spec, host, level)) {
        continue;
      }
      for (const auto& rule : spec.routes) {
        if (matches(*rule, path) && (best == nullptr || better(*rule, *best))) {
          best = rule.get();
        }
      }
    }
    if (best != nullptr) {
      return best;
    }
  }
  return nullptr;
}

}  // namespace portico::routing::testing
