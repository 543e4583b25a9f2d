#include "controller/kube/api/proxy_choice.h"

#include <algorithm>
#include <charconv>

#include "controller/kube/api/text.h"
#include "proxy/net/socket_address.h"

namespace portico::kube {
namespace {

std::string either_case(const Environment& environment, std::string_view name) {
  const std::string value = variable(environment, name);
  return value.empty() ? variable(environment, lower(name)) : value;
}

// `address` lies in `network`, "10.0.0.0/8".
bool is_within(const net::SocketAddress& address, std::string_view network) {
  const std::size_t slash = network.find('/');
  const auto base = net::SocketAddress::from(network.substr(0, slash), 0);
  const std::string_view length = network.substr(slash + 1);
  unsigned bits = 0;
  const auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), bits);
  if (!base || error != std::errc() || end != length.data() + length.size()) {
    return false;
  }
  const auto a = base->ip_bytes();
  const auto b = address.ip_bytes();
  if (a.size() != b.size() || bits > a.size() * 8) {
    return false;
  }
  for (std::size_t i = 0; i < a.size() && bits > 0; ++i) {
    const unsigned here = std::min(bits, 8U);
    if (((a[i] ^ b[i]) >> (8 - here)) != 0) {
      return false;
    }
    bits -= here;
  }
  return true;
}

bool matches_address(const net::SocketAddress& address, std::string_view entry,
                     std::uint16_t port) {
  if (entry.find('/') != std::string_view::npos) {
    return is_within(address, entry);
  }
  if (const auto with_port = net::SocketAddress::parse(entry)) {
    return with_port->ip_text() == address.ip_text() && with_port->port() == port;
  }
  const auto alone = net::SocketAddress::from(entry, 0);
  return alone && alone->ip_text() == address.ip_text();
}

bool matches_name(std::string_view host, std::string_view entry, std::uint16_t port) {
  const std::size_t colon = entry.rfind(':');
  if (colon != std::string_view::npos) {
    if (entry.substr(colon + 1) != std::to_string(port)) {
      return false;
    }
    entry = entry.substr(0, colon);
  }
  if (entry.starts_with("*.")) {
    entry.remove_prefix(1);
  }
  if (entry.starts_with('.')) {
    return host.ends_with(entry);
  }
  return host == entry || (host.ends_with(entry) && host[host.size() - entry.size() - 1] == '.');
}

}  // namespace

bool is_proxy_excluded(const ServerUrl& server, std::string_view no_proxy) {
  const auto address = net::SocketAddress::from(server.host, 0);
  const std::string host =
      server.host.ends_with('.') ? server.host.substr(0, server.host.size() - 1) : server.host;
  while (!no_proxy.empty()) {
    const std::size_t comma = std::min(no_proxy.find(','), no_proxy.size());
    const std::string entry = lower(trim(no_proxy.substr(0, comma)));
    no_proxy.remove_prefix(std::min(comma + 1, no_proxy.size()));
    if (entry == "*") {
      return true;
    }
    if (!entry.empty() && (address ? matches_address(*address, entry, server.port)
                                   : matches_name(host, entry, server.port))) {
      return true;
    }
  }
  return false;
}

std::string choose_proxy(const ServerUrl& server, const Environment& environment) {
  const std::string proxy = either_case(environment, server.is_tls ? "HTTPS_PROXY" : "HTTP_PROXY");
  const auto address = net::SocketAddress::from(server.host, 0);
  if (proxy.empty() || server.host == "localhost" || (address && address->is_loopback()) ||
      is_proxy_excluded(server, either_case(environment, "NO_PROXY"))) {
    return {};
  }
  return proxy.find("://") == std::string::npos ? "http://" + proxy : proxy;
}

}  // namespace portico::kube
