// "https://host:port/prefix" in its parts: API servers and proxies.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace portico::kube {

struct ServerUrl {
  bool is_tls = true;
  std::string host;  // a name, or an IP address without brackets
  std::uint16_t port = 443;
  std::string prefix;       // "/k8s/clusters/c-1", without a slash at the end; may be empty
  std::string credentials;  // "user:password", unescaped; of a proxy

  // "host:port", with brackets around IPv6: for CONNECT and messages.
  [[nodiscard]] std::string authority() const;
  // The same without a port that goes without saying.
  [[nodiscard]] std::string host_field() const;
  bool operator==(const ServerUrl&) const = default;
};

// Errors: what is wrong, to stand behind the name of the field: `has scheme "socks5"; only http and
// https are spoken`.
std::expected<ServerUrl, std::string> parse_server_url(std::string_view text);

// `text` as a message may show it: without a user name and password.
std::string shown_url(std::string_view text);

}  // namespace portico::kube
