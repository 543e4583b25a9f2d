#include "proxy/http/rules.h"

#include <arpa/inet.h>
#include <array>

#include "proxy/http/assign.h"
#include "proxy/http/chars.h"
#include "proxy/http/scan.h"

namespace portico::http {
namespace {

using Judgement = std::expected<void, ParseError>;

std::unexpected<ParseError> refuse(std::string_view reason, std::uint16_t status = 400) {
  return std::unexpected(ParseError{.status = status, .reason = reason});
}

// A connection is kept by HTTP/1.1 unless a side says close, by HTTP/1.0 only if the peer says
// keep-alive.
struct ConnectionOptions {
  bool close = false;
  bool keep_alive = false;
  bool upgrade = false;
};

ConnectionOptions read_connection(const FieldBlock& fields) {
  ConnectionOptions options;
  const std::size_t count = fields.count(FieldId::kConnection);
  if (count == 0) {
    return options;
  }
  const auto read = [&options](std::string_view list) {
    for_each_element(list, [&options](std::string_view option) {
      options.close |= equals_no_case(option, "close");
      options.keep_alive |= equals_no_case(option, "keep-alive");
      options.upgrade |= equals_no_case(option, "upgrade");
      return true;
    });
  };
  if (count == 1) {
    read(*fields.find(FieldId::kConnection));
    return options;
  }
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (const Field field = fields[i]; field.id == FieldId::kConnection) {
      read(field.value);
    }
  }
  return options;
}

bool wants_to_keep(const ConnectionOptions& options, std::uint8_t version_minor) {
  return !options.close && (version_minor >= 1 || options.keep_alive);
}

struct DeclaredFraming {
  Framing framing = Framing::kNone;  // what the fields declare; kNone: nothing
  std::uint64_t content_length = 0;
};

// RFC 9112 6.3, without its allowances: a message that two readers could frame differently is
// refused.
std::expected<DeclaredFraming, ParseError> read_framing(const FieldBlock& fields,
                                                        std::uint8_t version_minor) {
  const std::size_t codings = fields.count(FieldId::kTransferEncoding);
  const std::size_t lengths = fields.count(FieldId::kContentLength);
  if (codings > 0 && lengths > 0) {
    return refuse("Transfer-Encoding with Content-Length");
  }
  if (codings > 1) {
    return refuse("several Transfer-Encoding fields");
  }
  if (lengths > 1) {
    return refuse("several Content-Length fields");
  }
  if (codings == 1) {
    if (version_minor == 0) {
      return refuse("Transfer-Encoding in HTTP/1.0");
    }
    if (!equals_no_case(*fields.find(FieldId::kTransferEncoding), "chunked")) {
      return refuse("Transfer-Encoding is not chunked");
    }
    return DeclaredFraming{.framing = Framing::kChunked};
  }
  if (lengths == 0) {
    return DeclaredFraming{};
  }
  const auto length = parse_content_length(*fields.find(FieldId::kContentLength));
  if (!length) {
    return refuse("malformed Content-Length");
  }
  return DeclaredFraming{.framing = Framing::kLength, .content_length = *length};
}

Judgement judge_host(RequestHead& head) {
  const std::size_t hosts = head.fields.count(FieldId::kHost);
  if (hosts > 1) {
    return refuse("several Host fields");
  }
  if (hosts == 0) {
    if (head.version_minor >= 1) {
      return refuse("no Host field");
    }
    return {};
  }
  const std::string_view host = *head.fields.find(FieldId::kHost);
  if (!is_valid_authority(host)) {
    return refuse("malformed Host");
  }
  if (head.authority.empty()) {  // the target's own host wins (RFC 9112 3.2.2)
    assign(head.authority, host);
  }
  return {};
}

Judgement judge_expect(RequestHead& head) {
  const std::size_t expectations = head.fields.count(FieldId::kExpect);
  if (expectations == 0) {
    return {};
  }
  if (expectations > 1 || !equals_no_case(*head.fields.find(FieldId::kExpect), "100-continue")) {
    return refuse("unknown expectation", 417);
  }
  // RFC 9110 10.1.1: nothing is expected by HTTP/1.0 clients, nor where there is no body to wait
  // for.
  const bool has_body = head.framing == Framing::kChunked || head.content_length > 0;
  head.expect_continue = head.version_minor >= 1 && has_body;
  return {};
}

// RFC 9110 7.8. A body would stand between the request and the protocol asked for, and h2c would
// carry requests past us: there the wish is ignored, as a server may.
void read_upgrade(RequestHead& head, const ConnectionOptions& options) {
  if (!options.upgrade || head.version_minor == 0 || head.framing == Framing::kChunked ||
      head.content_length > 0 || head.fields.count(FieldId::kUpgrade) != 1) {
    return;
  }
  const std::string_view protocols = *head.fields.find(FieldId::kUpgrade);
  bool allowed = true;
  for_each_element(protocols, [&](std::string_view protocol) {
    allowed = !starts_with_no_case(protocol, "h2c") && !starts_with_no_case(protocol, "http/");
    return allowed;
  });
  if (allowed) {
    head.upgrade = protocols;
  }
}

bool read_te_trailers(const FieldBlock& fields) {
  const auto te = fields.find(FieldId::kTe);
  return te && list_contains(*te, "trailers");
}

bool has_valid_port(std::string_view port) {
  std::uint32_t value = 0;
  for (const char c : port) {
    if (!is_digit(c)) {
      return false;
    }
    value = value * 10 + static_cast<std::uint32_t>(c - '0');
    if (value > 65535) {
      return false;
    }
  }
  return true;
}

bool is_ipv6_text(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (text.size() >= terminated.size()) {
    return false;
  }
  text.copy(terminated.data(), text.size());
  in6_addr address{};
  return text.find('\0') == std::string_view::npos &&
         inet_pton(AF_INET6, terminated.data(), &address) == 1;
}

}  // namespace

std::optional<std::uint64_t> parse_content_length(std::string_view value) {
  constexpr std::size_t kSafeDigits = 19;  // of these none can be too large
  if (value.empty()) {
    return std::nullopt;
  }
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (!is_digit(value[i])) {
      return std::nullopt;
    }
    const auto digit = static_cast<std::uint64_t>(value[i] - '0');
    if (i >= kSafeDigits && length > (UINT64_MAX - digit) / 10) {
      return std::nullopt;
    }
    length = length * 10 + digit;
  }
  return length;
}

bool is_valid_authority(std::string_view authority) {
  constexpr std::size_t kMaxHostBytes = 255;
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    if (end == std::string_view::npos || !is_ipv6_text(authority.substr(1, end - 1))) {
      return false;
    }
    const std::string_view rest = authority.substr(end + 1);
    return rest.empty() || (rest.front() == ':' && has_valid_port(rest.substr(1)));
  }
  std::size_t end = plain_host_size(authority.data(), authority.data() + authority.size());
  while (end < authority.size() && chars::is(authority[end], chars::kHost)) {
    ++end;
  }
  if (end == 0 || end > kMaxHostBytes) {
    return false;
  }
  return end == authority.size() ||
         (authority[end] == ':' && has_valid_port(authority.substr(end + 1)));
}

Judgement judge_request(RequestHead& head) {
  if (Judgement host = judge_host(head); !host) {
    return host;
  }
  const auto declared = read_framing(head.fields, head.version_minor);
  if (!declared) {
    return std::unexpected(declared.error());
  }
  head.framing = declared->framing;
  head.content_length = declared->content_length;
  const ConnectionOptions options = read_connection(head.fields);
  head.keep_alive = wants_to_keep(options, head.version_minor);
  head.accepts_trailers = read_te_trailers(head.fields);
  read_upgrade(head, options);
  return judge_expect(head);
}

Judgement judge_response(ResponseHead& head, Method asked) {
  const auto declared = read_framing(head.fields, head.version_minor);
  if (!declared) {
    return std::unexpected(declared.error());
  }
  const ConnectionOptions options = read_connection(head.fields);
  head.keep_alive = wants_to_keep(options, head.version_minor);
  head.content_length = declared->content_length;
  const bool is_switch = head.status == 101;
  const bool is_tunnel = asked == Method::kConnect && head.status / 100 == 2;
  if (is_switch || is_tunnel) {
    head.keep_alive = false;
    if (is_switch && head.fields.count(FieldId::kUpgrade) == 1) {
      head.upgrade = *head.fields.find(FieldId::kUpgrade);
    }
  }
  // RFC 9112 6.3: these have no body, whatever their fields declare.
  if (head.status / 100 == 1 || is_tunnel || head.status == 204 || head.status == 304 ||
      asked == Method::kHead) {
    head.framing = Framing::kNone;
    return {};
  }
  head.framing = declared->framing;
  if (declared->framing == Framing::kNone) {
    head.framing = Framing::kUntilClose;
    head.keep_alive = false;
  }
  return {};
}

bool is_forbidden_trailer(const Field& field) {
  if (field.id != FieldId::kOther) {
    return true;
  }
  static constexpr std::array<std::string_view, 9> kPrefixes = {
      "content-",    "if-",    "x-forwarded-",    "x-original-", "x-auth-",
      "ssl-client-", "proxy-", "access-control-", "sec-"};
  for (const std::string_view prefix : kPrefixes) {
    if (starts_with_no_case(field.name, prefix)) {
      return true;
    }
  }
  static constexpr std::array<std::string_view, 9> kNames = {"range",
                                                             "max-forwards",
                                                             "cache-control",
                                                             "pragma",
                                                             "age",
                                                             "expires",
                                                             "vary",
                                                             "www-authenticate",
                                                             "strict-transport-security"};
  for (const std::string_view name : kNames) {
    if (equals_no_case(field.name, name)) {
      return true;
    }
  }
  return false;
}

}  // namespace portico::http
