#include "routing/client_address.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace portico::routing {
namespace {

constexpr std::string_view kBlanks = " \t";

std::string_view trim(std::string_view text) {
  const auto begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) {
    return {};
  }
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

bool equals_no_case(std::string_view text, std::string_view lower_case) {
  return std::equal(text.begin(), text.end(), lower_case.begin(), lower_case.end(),
                    [](char a, char b) { return lower(a) == b; });
}

bool is_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size();
}

bool is_ip(std::string_view text) {
  std::array<std::uint8_t, 16> buffer;
  return !parse_ip(text, buffer).empty();
}

// RFC 9110 5.6.2.
bool is_token(std::string_view text) {
  static constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') ||
           kMarks.find(c) != std::string_view::npos;
  });
}

// Takes what stands before the next `separator` that is not in quotes; nothing where they never
// close.
std::optional<std::string_view> take_until(std::string_view& text, char separator) {
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (quoted && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (text[i] == separator && !quoted) {
      const auto taken = text.substr(0, i);
      text.remove_prefix(i + 1);
      return trim(taken);
    }
  }
  return quoted ? std::nullopt : std::optional(trim(std::exchange(text, {})));
}

// token or quoted-string, without its quotes.
std::optional<std::string_view> value_of(std::string_view text) {
  if (is_token(text)) {
    return text;
  }
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') {
    return std::nullopt;
  }
  const auto inside = text.substr(1, text.size() - 2);
  return inside.find_first_of("\"\\") == std::string_view::npos ? std::optional(inside)
                                                                : std::nullopt;
}

// False: it is malformed.
bool read_pair(std::string_view pair, ForwardedElement& into) {
  const auto equals = pair.find('=');
  if (equals == std::string_view::npos || !is_token(pair.substr(0, equals))) {
    return false;
  }
  const auto value = value_of(pair.substr(equals + 1));
  if (!value) {
    return false;
  }
  const auto name = pair.substr(0, equals);
  auto* const field = equals_no_case(name, "for")     ? &into.node
                      : equals_no_case(name, "proto") ? &into.proto
                      : equals_no_case(name, "host")  ? &into.host
                                                      : nullptr;
  if (field != nullptr) {
    *field = *value;
  }
  return true;
}

void append_value(std::string& to, std::string_view value) {
  if (is_token(value)) {
    to.append(value);
  } else {
    to.append("\"").append(value).append("\"");
  }
}

}  // namespace

std::string_view address_of_node(std::string_view node) {
  node = trim(node);
  if (node.starts_with('[')) {
    const auto close = node.find(']');
    if (close == std::string_view::npos) {
      return {};
    }
    const auto ip = node.substr(1, close - 1);
    const auto rest = node.substr(close + 1);
    const bool port_is_good = rest.empty() || (rest.front() == ':' && is_port(rest.substr(1)));
    return port_is_good && ip.find(':') != std::string_view::npos && is_ip(ip) ? ip
                                                                               : std::string_view();
  }
  const auto colon = node.find(':');
  const bool has_port =
      colon != std::string_view::npos && node.find(':', colon + 1) == std::string_view::npos;
  if (!has_port) {
    return is_ip(node) ? node : std::string_view();
  }
  const auto ip = node.substr(0, colon);
  return is_ip(ip) && is_port(node.substr(colon + 1)) ? ip : std::string_view();
}

bool ForwardedWalk::take_node(std::string_view node) {
  const auto address = address_of_node(node);
  std::array<std::uint8_t, 16> buffer;
  const auto ip = parse_ip(address, buffer);
  if (ip.empty()) {
    return false;
  }
  client_ = address;
  return settings_.trusts(ip);
}

bool ForwardedWalk::take_list(std::string_view list) {
  while (!list.empty()) {
    const auto comma = list.rfind(',');
    const auto begin = comma == std::string_view::npos ? 0 : comma + 1;
    const auto node = trim(list.substr(begin));
    if (!node.empty() && !take_node(node)) {
      return false;
    }
    list = list.substr(0, begin == 0 ? 0 : begin - 1);
  }
  return true;
}

std::string_view first_of_list(std::string_view value) {
  return trim(value.substr(0, value.find(',')));
}

std::optional<bool> forwarded_https(std::string_view value) {
  const auto scheme = first_of_list(value);
  if (equals_no_case(scheme, "https") || equals_no_case(scheme, "wss")) {
    return true;
  }
  if (equals_no_case(scheme, "http") || equals_no_case(scheme, "ws")) {
    return false;
  }
  return std::nullopt;
}

std::string_view forwarded_port(std::string_view value) {
  const auto port = first_of_list(value);
  return is_port(port) && port.front() != '0' ? port : std::string_view();
}

ForwardedElements::ForwardedElements(std::string_view line) {
  while (!line.empty()) {
    const auto element = take_until(line, ',');
    if (!element || size_ == kMaxHops) {
      size_ = 0;
      return;
    }
    if (!element->empty()) {  // empty ones of a list mean nothing (RFC 9110 5.6.1)
      elements_[size_++] = *element;
    }
  }
}

std::optional<ForwardedElement> ForwardedElements::read(std::string_view element) {
  ForwardedElement read;
  while (!element.empty()) {
    const auto pair = take_until(element, ';');
    if (!pair || (!pair->empty() && !read_pair(*pair, read))) {
      return std::nullopt;
    }
  }
  return read;
}

void append_forwarded(std::string& to, std::string_view address, std::string_view host,
                      std::string_view proto) {
  to.append("for=");
  if (address.find(':') != std::string_view::npos) {
    to.append("\"[").append(address).append("]\"");
  } else {
    to.append(address);
  }
  if (!host.empty()) {
    to.append(";host=");
    append_value(to, host);
  }
  to.append(";proto=").append(proto);
}

}  // namespace portico::routing
