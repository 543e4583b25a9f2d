#include "proxy/downstream/misdirected.h"

#include "routing/hostname.h"
#include "tls/covers.h"

namespace portico::downstream {

bool is_misdirected(const exchange::Config& config, const net::TlsInfo& tls,
                    std::string_view authority) {
  routing::HostBuffer buffer;
  const auto host = routing::request_host(authority, buffer);
  if (!host || tls.sni.empty() || *host == tls.sni || config.certificates == nullptr) {
    return false;
  }
  const auto levels = config.routes.levels(*host);
  if (levels.exact == nullptr && levels.wildcard == nullptr) {
    return false;
  }
  const auto found = config.certificates->find(tls.sni);
  return found.reason == tls::CertificateStore::Reason::kName &&
         !tls::covers(*found.certificate, *host);
}

}  // namespace portico::downstream
