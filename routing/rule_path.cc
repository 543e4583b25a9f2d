#include "routing/rule_path.h"

#include <absl/strings/ascii.h>

#include "routing/path.h"

namespace portico::routing {
namespace {

// As a client would have to send it.
std::string escape(std::string_view written) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  out.reserve(written.size());
  for (std::size_t i = 0; i < written.size(); ++i) {
    const auto byte = static_cast<unsigned char>(written[i]);
    const bool lone_percent =
        byte == '%' && (i + 2 >= written.size() || !absl::ascii_isxdigit(written[i + 1]) ||
                        !absl::ascii_isxdigit(written[i + 2]));
    const bool must = byte <= 0x20 || byte >= 0x7f || byte == '#' || byte == '?' || byte == '\\';
    if (must || lone_percent) {
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    } else {
      out.push_back(written[i]);
    }
  }
  return out;
}

// What can't be normalised is kept: it equals no request's path.
std::string normalise(std::string_view path) {
  NormalTarget target;
  return std::string(target.parse(path) ? target.path() : path);
}

std::string normal_text(const RouteSpec& spec) {
  auto path = escape(spec.path);
  if (!path.starts_with('/')) {
    path.insert(0, 1, '/');
  }
  if (spec.kind != PathKind::kStringPrefix) {
    path = normalise(path);
    if (spec.kind == PathKind::kPrefix && !path.ends_with('/')) {
      path.push_back('/');
    }
    return path;
  }
  // The last segment of a string prefix is the beginning of one: "/." means "/.git", not "/". A
  // letter keeps it from being read as dots.
  path = normalise(path + "x");
  path.pop_back();
  return path;
}

}  // namespace

RulePath::RulePath(const RouteSpec& spec) : kind_(spec.kind), text_(normal_text(spec)) {}

bool RulePath::matches(std::string_view path) const {
  switch (kind_) {
    case PathKind::kExact:
      return path == text_;
    case PathKind::kPrefix:
      return path.starts_with(text_) || path == std::string_view(text_).substr(0, text_.size() - 1);
    case PathKind::kStringPrefix:
      return path.starts_with(text_);
  }
  __builtin_unreachable();
}

std::string_view to_string(PathKind kind) {
  switch (kind) {
    case PathKind::kExact:
      return "Exact";
    case PathKind::kPrefix:
      return "Prefix";
    case PathKind::kStringPrefix:
      return "ImplementationSpecific";
  }
  __builtin_unreachable();
}

}  // namespace portico::routing
