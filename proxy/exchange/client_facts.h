// Whose request it is and what it asked for, as far as the connection and believed proxies say.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "proxy/http/message.h"
#include "proxy/net/transport.h"
#include "routing/client_address.h"
#include "routing/hostname.h"

namespace portico::exchange {

// Decided once a request; logs, headers, redirects and limits go by it.
//
//   a PROXY header        the address, the port, https where it says so
//   X-Forwarded-For       the address, walked from the right through trusted proxies; behind a
//                         PROXY header that names a trusted one, too
//   X-Forwarded-Proto …   scheme, host and port, where the connection's peer is trusted
//   Forwarded             the same, before them, where it is asked for
//
// Memory:    a request of which nothing is believed and nothing joined allocates nothing.
// Lifetime:  views into the head, the connection and itself; the settings may go after decide().
class ClientFacts {
 public:
  void decide(const routing::ClientAddressSettings& settings, const http::RequestHead& head,
              const net::TransportInfo& connection);

  [[nodiscard]] const net::SocketAddress& address() const { return *address_; }
  // What the client itself speaks, before any proxy.
  [[nodiscard]] bool https() const { return https_; }
  // Claimed, with its port if it has one; else as received. The second: lower-case, without port,
  // empty where nothing is claimed.
  [[nodiscard]] std::string_view host() const { return host_; }
  [[nodiscard]] std::string_view redirect_host() const { return redirect_host_; }
  // Of the client's view; empty: the listener's.
  [[nodiscard]] std::string_view port() const { return port_; }

  // For the backend.
  [[nodiscard]] std::string_view address_text() const { return address_text_; }
  [[nodiscard]] std::string_view forwarded_for() const { return forwarded_for_; }
  [[nodiscard]] std::string_view forwarded() const { return forwarded_; }  // empty: not sent
  // The header that named the client, where it is not X-Forwarded-For.
  [[nodiscard]] std::string_view for_header() const { return for_header_; }

 private:
  void believe(const routing::ClientAddressSettings& settings, const http::RequestHead& head);
  bool believe_forwarded(const routing::ClientAddressSettings& settings,
                         const http::FieldBlock& fields);
  void walk(const routing::ClientAddressSettings& settings, const http::FieldBlock& fields);
  void claim_address(std::string_view ip);
  void claim_host(std::string_view authority);
  void write_lists(const routing::ClientAddressSettings& settings, const http::RequestHead& head,
                   const net::TransportInfo& connection, bool believed);

  const net::SocketAddress* address_ = nullptr;
  std::string_view address_text_, host_, redirect_host_, port_, forwarded_for_, forwarded_;
  bool https_ = false;
  net::SocketAddress claimed_;
  net::SocketAddress::TextBuffer text_;
  std::array<char, 5> port_text_;
  routing::HostBuffer host_buffer_;
  std::string list_;
  std::string forwarded_text_;
  std::string for_header_;
};

}  // namespace portico::exchange
