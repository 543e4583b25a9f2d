#include "tls/upstream_options.h"

namespace portico::tls {

ClientOptions upstream_options(const routing::UpstreamTlsSpec& spec,
                               routing::BackendProtocol protocol) {
  ClientOptions options{.authorities_pem = spec.authorities_pem,
                        .verify = spec.verifies,
                        .verify_depth = spec.verify_depth,
                        .send_server_name = spec.sends_server_name,
                        .resume_sessions = true,
                        .certificate = spec.certificate,
                        .minimum_version = spec.allows_tls12 ? Version::kTls12 : Version::kTls13,
                        .maximum_version = spec.allows_tls13 ? Version::kTls13 : Version::kTls12,
                        .ciphers = spec.ciphers};
  if (protocol == routing::BackendProtocol::kHttp2) {
    options.alpn = {"h2"};
  }
  return options;
}

}  // namespace portico::tls
