// Request targets: what is matched and what is sent on (RFC 3986 6.2.2, RFC 9112 3.2).
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace portico::routing {

enum class TargetError : std::uint8_t {
  kEmpty,
  kNotAbsolute,     // neither origin form nor "*"
  kBadEscape,       // % without two hex digits
  kEncodedNul,      // %00
  kEscapesRoot,     // more ".." than segments
  kForbiddenByte,   // control bytes, space, raw non-ASCII, '#', backslash
};
std::string_view to_string(TargetError error);

// A target in the two shapes that a proxy needs. Views stay valid until the next call with the same object.
//
// `path`     unreserved %XX decoded, dot segments removed, doubled slashes merged: what is matched.
// `upstream` the received bytes of path and query but for dot segments: what is sent on, so that
//            /fetch/https://x and object keys survive.
// `query`    the received bytes after the first '?', without it.
class NormalTarget {
 public:
  // Allocates only where the target is longer than any seen before by this object or needs a rewrite.
  std::expected<void, TargetError> parse(std::string_view origin_form);

  [[nodiscard]] std::string_view path() const { return path_; }
  [[nodiscard]] std::string_view upstream() const { return upstream_; }
  [[nodiscard]] std::string_view query() const { return query_; }

 private:
  std::string_view path_;
  std::string_view upstream_;
  std::string_view query_;
  std::string path_buffer_;
  std::string upstream_buffer_;
};

}  // namespace portico::routing
