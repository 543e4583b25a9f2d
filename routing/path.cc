#include "routing/path.h"

#include <algorithm>
#include <array>

#include <absl/strings/ascii.h>

namespace portico::routing {
namespace {

enum class ByteClass : std::uint8_t {
  kPlain,
  kSlash,
  kPercent,
  kQuestion,
  kPathOnlyForbidden,
  kForbidden
};

constexpr std::array<ByteClass, 256> make_byte_classes() {
  std::array<ByteClass, 256> classes{};
  for (int byte = 0; byte < 256; ++byte) {
    const bool visible_ascii = byte > 0x20 && byte < 0x7f;
    classes[byte] = visible_ascii ? ByteClass::kPlain : ByteClass::kForbidden;
  }
  classes['/'] = ByteClass::kSlash;
  classes['%'] = ByteClass::kPercent;
  classes['?'] = ByteClass::kQuestion;
  classes['#'] = ByteClass::kForbidden;
  classes['\\'] = ByteClass::kPathOnlyForbidden;
  return classes;
}
constexpr auto kByteClasses = make_byte_classes();

ByteClass class_of(char byte) {
  return kByteClasses[static_cast<unsigned char>(byte)];
}

int hex_value(char digit) {
  if (digit >= '0' && digit <= '9') {
    return digit - '0';
  }
  const char lower = absl::ascii_tolower(digit);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// The byte that the escape at `text`[0] stands for, or -1.
int escaped_byte(std::string_view text) {
  if (text.size() < 3 || hex_value(text[1]) < 0 || hex_value(text[2]) < 0) {
    return -1;
  }
  return hex_value(text[1]) * 16 + hex_value(text[2]);
}

bool is_unreserved(int byte) {
  return absl::ascii_isalnum(byte) || byte == '-' || byte == '.' || byte == '_' || byte == '~';
}

// 1 for ".", 2 for "..", else 0; escaped dots are dots (RFC 3986 6.2.2.2).
int dot_segment(std::string_view segment) {
  int dots = 0;
  while (!segment.empty()) {
    const bool escaped = segment[0] == '%' && escaped_byte(segment) == '.';
    if ((segment[0] != '.' && !escaped) || ++dots > 2) {
      return 0;
    }
    segment.remove_prefix(escaped ? 3 : 1);
  }
  return dots;
}

// The segment that follows the slash at `path`[0].
std::string_view first_segment(std::string_view path) {
  path.remove_prefix(1);
  return path.substr(0, path.find('/'));
}

struct Scan {
  std::size_t path_bytes = 0;  // up to '?' or the end
  bool doubled = false;
  bool escapes = false;
  bool dots = false;  // a segment that begins with a dot and may be a dot segment
};

std::expected<Scan, TargetError> scan_path(std::string_view target) {
  Scan scan{.path_bytes = target.size()};
  for (std::size_t i = 0; i < target.size(); ++i) {
    switch (class_of(target[i])) {
      case ByteClass::kPlain:
        break;
      case ByteClass::kSlash: {
        const char next = i + 1 < target.size() ? target[i + 1] : 'x';
        scan.doubled |= next == '/';
        scan.dots |= next == '.';
        break;
      }
      case ByteClass::kPercent:
        scan.escapes = true;
        break;
      case ByteClass::kQuestion:
        scan.path_bytes = i;
        return scan;
      case ByteClass::kPathOnlyForbidden:
      case ByteClass::kForbidden:
        return std::unexpected(TargetError::kForbiddenByte);
    }
  }
  return scan;
}

bool has_forbidden_byte(std::string_view query) {
  for (const char byte : query) {
    if (class_of(byte) == ByteClass::kForbidden) {
      return true;
    }
  }
  return false;
}

std::expected<void, TargetError> check_escapes(std::string_view path) {
  for (auto at = path.find('%'); at != path.npos; at = path.find('%', at + 3)) {
    const int byte = escaped_byte(path.substr(at));
    if (byte <= 0) {
      return std::unexpected(byte == 0 ? TargetError::kEncodedNul : TargetError::kBadEscape);
    }
  }
  return {};
}

bool has_dot_segment(std::string_view path) {
  while (!path.empty()) {
    const auto segment = first_segment(path);
    if (dot_segment(segment) > 0) {
      return true;
    }
    path.remove_prefix(1 + segment.size());
  }
  return false;
}

// RFC 3986 5.2.4, but for a ".." above the root, which is refused. A final dot segment leaves its
// slash.
bool remove_dot_segments(std::string_view path, std::string& out) {
  out.clear();
  while (!path.empty()) {
    const auto segment = first_segment(path);
    const bool last = 1 + segment.size() == path.size();
    const int dots = dot_segment(segment);
    if (dots == 2) {
      if (out.empty()) {
        return false;
      }
      out.erase(out.rfind('/'));
    }
    if (dots == 0) {
      out.append(path.substr(0, 1 + segment.size()));
    } else if (last) {
      out.push_back('/');
    }
    path.remove_prefix(1 + segment.size());
  }
  return true;
}

// Merges slashes, decodes unreserved bytes, and writes the other escapes in upper case (RFC
// 3986 6.2.2.1).
void write_matched(std::string_view path, std::string& out) {
  out.clear();
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '/' && !out.empty() && out.back() == '/') {
      continue;
    }
    if (path[i] != '%') {
      out.push_back(path[i]);
      continue;
    }
    const int byte = escaped_byte(path.substr(i));
    if (is_unreserved(byte)) {
      out.push_back(static_cast<char>(byte));
    } else {
      out.push_back('%');
      out.push_back(absl::ascii_toupper(path[i + 1]));
      out.push_back(absl::ascii_toupper(path[i + 2]));
    }
    i += 2;
  }
}

}  // namespace

std::string_view to_string(TargetError error) {
  switch (error) {
    case TargetError::kEmpty:
      return "the target is empty";
    case TargetError::kNotAbsolute:
      return "the target does not begin with a slash";
    case TargetError::kBadEscape:
      return "a % in the path is not followed by two hex digits";
    case TargetError::kEncodedNul:
      return "the path holds an encoded NUL";
    case TargetError::kEscapesRoot:
      return "the path leads above the root";
    case TargetError::kForbiddenByte:
      return "the target holds a byte that must be escaped";
  }
  __builtin_unreachable();
}

std::expected<void, TargetError> NormalTarget::parse(std::string_view target) {
  path_ = upstream_ = query_ = {};
  if (target.empty()) {
    return std::unexpected(TargetError::kEmpty);
  }
  if (target == "*") {
    path_ = upstream_ = target;
    return {};
  }
  if (target.front() != '/') {
    return std::unexpected(TargetError::kNotAbsolute);
  }
  const auto scan = scan_path(target);
  if (!scan) {
    return std::unexpected(scan.error());
  }
  const auto query = target.substr(std::min(scan->path_bytes + 1, target.size()));
  if (has_forbidden_byte(query)) {
    return std::unexpected(TargetError::kForbiddenByte);
  }
  const auto received = target.substr(0, scan->path_bytes);
  // "/.well-known" begins with a dot and needs no rewrite.
  const bool dots = (scan->dots || scan->escapes) && has_dot_segment(received);
  if (dots || scan->doubled || scan->escapes) {
    const auto rewritten = rewrite(target, scan->path_bytes, dots, scan->doubled, scan->escapes);
    if (!rewritten) {
      return rewritten;
    }
  } else {
    path_ = received;
    upstream_ = target;
  }
  query_ = query;
  return {};
}

std::expected<void, TargetError> NormalTarget::rewrite(std::string_view target,
                                                       std::size_t path_bytes, bool dots,
                                                       bool doubled, bool escapes) {
  const auto received = target.substr(0, path_bytes);
  if (escapes) {
    if (const auto valid = check_escapes(received); !valid) {
      return valid;
    }
  }
  auto upstream = target;
  auto kept = received;
  if (dots) {
    if (!remove_dot_segments(received, upstream_buffer_)) {
      return std::unexpected(TargetError::kEscapesRoot);
    }
    const auto kept_bytes = upstream_buffer_.size();
    upstream_buffer_.append(target.substr(path_bytes));
    upstream = upstream_buffer_;
    kept = upstream.substr(0, kept_bytes);
  }
  if (doubled || escapes) {
    write_matched(kept, path_buffer_);
    kept = path_buffer_;
  }
  path_ = kept;
  upstream_ = upstream;
  return {};
}

}  // namespace portico::routing
