// Whether a client may talk to a host that asks for certificates.
#pragma once

#include <cstdint>
#include <string_view>

#include "proxy/net/transport.h"
#include "routing/host_tls.h"

namespace portico::exchange {

struct Admission {
  std::uint16_t status = 0;  // 0: it may
  std::string_view reason;   // for the log; may be the certificate's own text
  std::string_view message;  // for whoever reads the answer; empty: what the status says
  bool has_page = false;     // the refusal is one that the host's error page is for
  // What the client showed for this host; null: nothing, or not for this one.
  const tls::ClientCertificate* certificate = nullptr;
};

// Decides by the host of the request, never by the server name of the connection alone: what was
// verified for one host's authorities says nothing to another's (as nginx, which answers 421).
Admission admit_client(const routing::HostTls& host, const net::TransportInfo& connection);

}  // namespace portico::exchange
