#include <cstddef>
#include <cstdint>
#include <string_view>

#include "proxy/http/assign.h"
#include "proxy/http/chars.h"
#include "proxy/http/rules.h"
#include "proxy/http/scan.h"

namespace portico::http {
namespace {

using Judgement = std::expected<void, ParseError>;

std::unexpected<ParseError> refuse(std::string_view reason, std::uint16_t status = 400) {
  return std::unexpected(ParseError{.status = status, .reason = reason});
}

// "HTTP/1.0" or "HTTP/1.1"; gives the minor version.
std::expected<std::uint8_t, ParseError> parse_version(std::string_view text) {
  const bool well_formed = text.size() == 8 && text.starts_with("HTTP/") && is_digit(text[5]) &&
                           text[6] == '.' && is_digit(text[7]);
  if (!well_formed) {
    return refuse("malformed HTTP version");
  }
  if (text[5] != '1' || text[7] > '1') {
    return refuse("HTTP version not supported", 505);
  }
  return static_cast<std::uint8_t>(text[7] - '0');
}

// Laxer than RFC 3986 for the printable characters browsers send raw ('|', '"', '{', and '\' in a
// query). A raw '\' in a path is refused: some backends take it for '/', and then another path is
// served than was matched.
bool has_only_target_bytes(std::string_view target) {
  bool in_query = false;
  for (const char c : target) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte >= 0x7f || c == '#' || (c == '\\' && !in_query)) {
      return false;
    }
    in_query |= c == '?';
  }
  return true;
}

// RFC 9112 3.2.2: scheme "://" authority path-abempty [ "?" query ].
Judgement take_absolute_form(std::string_view target, RequestHead& head) {
  const std::size_t scheme_end = target.find("://");
  const std::string_view scheme = target.substr(0, scheme_end);
  if (scheme_end == std::string_view::npos ||
      (!equals_no_case(scheme, "http") && !equals_no_case(scheme, "https"))) {
    return refuse("malformed request target");
  }
  const std::string_view rest = target.substr(scheme_end + 3);
  const std::size_t authority_end = rest.find_first_of("/?");
  const std::string_view authority = rest.substr(0, authority_end);
  if (!is_valid_authority(authority)) {
    return refuse("malformed authority in the request target");
  }
  head.authority = authority;
  if (authority_end == std::string_view::npos) {
    head.target = head.method == Method::kOptions ? "*" : "/";  // RFC 9112 3.2.4
    return {};
  }
  const std::string_view path = rest.substr(authority_end);
  if (path.front() == '?') {
    head.target = "/";
    head.target += path;
    return {};
  }
  head.target = path;
  return {};
}

// `end`: bytes behind the target that may be looked at.
Judgement take_target(std::string_view target, const char* end, RequestHead& head) {
  if (target.empty() || (!is_plain_target(target, end) && !has_only_target_bytes(target))) {
    return refuse("malformed request target");
  }
  if (head.method == Method::kConnect) {
    const std::size_t colon = target.rfind(':');  // the port is part of the form
    if (!is_valid_authority(target) || colon == std::string_view::npos ||
        !is_digit(target.back())) {
      return refuse("malformed authority in the request target");
    }
    head.target = target;
    head.authority = target;
    return {};
  }
  if (target.front() == '/') {
    assign(head.target, target);
    return {};
  }
  if (target == "*") {
    if (head.method != Method::kOptions) {
      return refuse("malformed request target");
    }
    head.target = target;
    return {};
  }
  return take_absolute_form(target, head);
}

std::size_t token_size(std::string_view text) {
  std::size_t size = 0;
  while (size < text.size() && is_token_char(text[size])) {
    ++size;
  }
  return size;
}

// Of a line that holds one. A version begins behind it: where eight bytes follow one, they are no
// version if they hold another.
std::size_t last_space(std::string_view line) {
  constexpr std::size_t kFromEnd = 9;  // " HTTP/1.1"
  return line.size() >= kFromEnd && line[line.size() - kFromEnd] == ' ' ? line.size() - kFromEnd
                                                                        : line.rfind(' ');
}

}  // namespace

bool is_valid_path_and_query(std::string_view target) {
  return has_only_target_bytes(target);
}

Judgement parse_request_line(std::string_view line, const Limits& limits, RequestHead& head) {
  const std::size_t method_end = token_size(line);
  if (method_end == 0 || method_end == line.size() || line[method_end] != ' ') {
    return refuse("malformed method");
  }
  const std::size_t version_begin = last_space(line);
  if (version_begin == method_end) {
    return refuse("malformed request line");
  }
  const std::string_view method = line.substr(0, method_end);
  const std::string_view target = line.substr(method_end + 1, version_begin - method_end - 1);
  const auto version = parse_version(line.substr(version_begin + 1));
  if (!version) {
    return std::unexpected(version.error());
  }
  if (method.size() > kMaxMethodBytes) {
    return refuse("method too long", 501);
  }
  if (target.size() > limits.target_bytes) {
    return refuse("request target too long", 414);
  }
  head.version_minor = *version;
  head.method = method_of(method);
  assign(head.method_text, method);
  return take_target(target, line.data() + line.size(), head);
}

Judgement parse_status_line(std::string_view line, ResponseHead& head) {
  constexpr std::size_t kStatusBegin = 9;  // behind "HTTP/1.1 "
  constexpr std::size_t kStatusEnd = 12;
  if (line.size() < kStatusEnd || line[8] != ' ') {
    return refuse("malformed status line");
  }
  const auto version = parse_version(line.substr(0, 8));
  if (!version) {
    return std::unexpected(version.error());
  }
  std::uint16_t status = 0;
  for (const char c : line.substr(kStatusBegin, kStatusEnd - kStatusBegin)) {
    if (!is_digit(c)) {
      return refuse("malformed status");
    }
    status = static_cast<std::uint16_t>(status * 10 + (c - '0'));
  }
  if (status < 100) {
    return refuse("status out of range");
  }
  if (line.size() > kStatusEnd && line[kStatusEnd] != ' ') {
    return refuse("malformed status line");
  }
  head.version_minor = *version;
  head.status = status;
  assign(head.reason, line.size() > kStatusEnd ? line.substr(kStatusEnd + 1) : std::string_view{});
  return {};
}

}  // namespace portico::http
