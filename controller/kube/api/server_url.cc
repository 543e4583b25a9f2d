#include "controller/kube/api/server_url.h"

#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "controller/kube/api/text.h"
#include "proxy/net/socket_address.h"

namespace portico::kube {
namespace {

std::unexpected<std::string> refuse(std::string why) {
  return std::unexpected(std::move(why));
}

std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(&text[i + 1], &text[i + 1] + 2, value, 16).ptr == &text[i + 1] + 2) {
      out += static_cast<char>(value);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0) {
    return std::nullopt;
  }
  return port;
}

bool is_host_name(std::string_view host) {
  for (const char c : host) {
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (!is_letter && c != '-' && c != '.' && c != '_') {
      return false;
    }
  }
  return !host.empty() && host.size() <= 253;
}

// "host", "host:port", "[::1]:port".
std::expected<void, std::string> read_authority(std::string_view text, ServerUrl& url) {
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    url.host = text.substr(1, end == std::string_view::npos ? end : end - 1);
    port = end == std::string_view::npos ? "?" : text.substr(end + 1);
    if (!net::SocketAddress::from(url.host, 1)) {
      return refuse(fmt::format("has \"{}\" for an IPv6 address", url.host));
    }
  } else {
    const std::size_t colon = text.find(':');
    url.host = lower(text.substr(0, colon));
    port = colon == std::string_view::npos ? "" : text.substr(colon);
    if (!is_host_name(url.host)) {
      return refuse(url.host.empty() ? "has no host"
                                     : fmt::format("has \"{}\" for a host", url.host));
    }
  }
  if (port.empty()) {
    return {};
  }
  const auto number = port.starts_with(':') ? parse_port(port.substr(1)) : std::nullopt;
  if (!number) {
    return refuse("has no valid port");
  }
  url.port = *number;
  return {};
}

}  // namespace

std::string ServerUrl::authority() const {
  const bool is_v6 = host.find(':') != std::string::npos;
  return is_v6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

std::string ServerUrl::host_field() const {
  const std::string whole = authority();
  return port == (is_tls ? 443 : 80) ? whole.substr(0, whole.rfind(':')) : whole;
}

std::expected<ServerUrl, std::string> parse_server_url(std::string_view text) {
  if (!is_visible(text) || text.find_first_of("\"<>\\") != std::string_view::npos) {
    return refuse("has a character that no URL has");
  }
  const std::size_t scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) {
    return refuse("has no scheme; write https://…");
  }
  const std::string scheme = lower(text.substr(0, scheme_end));
  if (scheme != "https" && scheme != "http") {
    return refuse(fmt::format("has scheme \"{}\"; only http and https are spoken", scheme));
  }
  ServerUrl url{.is_tls = scheme == "https",
                .port = scheme == "https" ? std::uint16_t{443} : std::uint16_t{80}};
  text.remove_prefix(scheme_end + 3);
  if (text.find_first_of("?#") != std::string_view::npos) {
    return refuse("has a query or a fragment, which mean nothing here");
  }
  std::string_view authority = text.substr(0, text.find('/'));
  url.prefix = text.substr(authority.size());
  while (url.prefix.ends_with('/')) {
    url.prefix.pop_back();
  }
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
    url.credentials = unescape(authority.substr(0, at));
    authority.remove_prefix(at + 1);
  }
  if (const auto read = read_authority(authority, url); !read) {
    return std::unexpected(read.error());
  }
  return url;
}

std::string shown_url(std::string_view text) {
  const std::size_t scheme = text.find("://");
  const std::size_t begin = scheme == std::string_view::npos ? 0 : scheme + 3;
  const std::size_t at = text.substr(0, text.find('/', begin)).rfind('@');
  std::string shown(text.substr(0, begin));
  return shown += text.substr(at == std::string_view::npos || at < begin ? begin : at + 1);
}

}  // namespace portico::kube
