// Request targets: what is matched and what is sent on (RFC 3986 6.2.2, RFC 9112 3.2).
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace portico::routing {

enum class TargetError : std::uint8_t {
  kEmpty,
  kNotAbsolute,    // neither origin form nor "*"
  kBadEscape,      // % without two hex digits, in the path
  kEncodedNul,     // %00 in the path
  kEscapesRoot,    // more ".." than segments
  kForbiddenByte,  // control byte, space, raw non-ASCII, '#'; in the path also a backslash
};
std::string_view to_string(TargetError error);

// A target in the two shapes that a proxy needs.
//
//   received   /a/./b//%7euser/%2e%2E/x%2fy?q=1
//   path       /a/b/x%2Fy          what is matched: unreserved escapes decoded, others in upper
//   case, dot segments
//                                  removed, doubled slashes merged
//   upstream   /a/b//x%2fy?q=1     what is sent on: the received bytes but for dot segments, so
//   that
//                                  /fetch/https://x and object keys survive
//   query      q=1                 the received bytes after the first '?'
//
// Dot segments are removed before slashes are merged, so that `path` is always `upstream` seen
// through equivalences: what was matched is what is sent. "*" (OPTIONS *) stays "*" in both and
// matches no rule's path.
//
// A query may hold a backslash and a lone '%': browsers send both, and nothing here reads it.
//
// Lifetime: views stay valid until the next parse() and while the parsed bytes live; where nothing
// had to change they
//           point into those.
class NormalTarget {
 public:
  NormalTarget() = default;
  NormalTarget(const NormalTarget&) = delete;
  NormalTarget& operator=(const NormalTarget&) = delete;

  // Allocates only where the target needs a rewrite longer than any before by this object. On an
  // error the views are empty.
  std::expected<void, TargetError> parse(std::string_view origin_form);

  [[nodiscard]] std::string_view path() const { return path_; }
  [[nodiscard]] std::string_view upstream() const { return upstream_; }
  [[nodiscard]] std::string_view query() const { return query_; }

 private:
  std::expected<void, TargetError> rewrite(std::string_view target, std::size_t path_bytes,
                                           bool dots, bool doubled, bool escapes);

  std::string_view path_;
  std::string_view upstream_;
  std::string_view query_;
  std::string path_buffer_;
  std::string upstream_buffer_;
};

}  // namespace portico::routing
