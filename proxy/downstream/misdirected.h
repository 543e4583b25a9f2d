// Requests that came on another host's connection (RFC 9110 15.5.20).
#pragma once

#include <string_view>

#include "proxy/exchange/config.h"
#include "proxy/net/transport.h"

namespace portico::downstream {

// A client uses an HTTP/2 connection again for every name that it finds in the certificate (RFC
// 9113 9.1.1). True where it named another host that is served here and that the certificate does
// not cover: its own connection may have other rules. Only where the connection's certificate was
// chosen by name; who sent no name, or got the default certificate, has no better one to ask for.
//
// The certificate looked at is the one that its name has now. Where it was replaced meanwhile and
// covers less, the client comes again and is shown it; where it covers more, what the other host
// asks of its clients is asked of every request anyway (Exchange::admit_client).
[[nodiscard]] bool is_misdirected(const exchange::Config& config, const net::TlsInfo& tls,
                                  std::string_view authority);

}  // namespace portico::downstream
