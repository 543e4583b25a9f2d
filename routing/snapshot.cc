#include "routing/snapshot.h"

#include <tuple>

namespace portico::routing {
namespace {

// By what they hold.
template <class T>
bool same(const std::shared_ptr<const T>& a, const std::shared_ptr<const T>& b) {
  return a == b || (a != nullptr && b != nullptr && *a == *b);
}

}  // namespace

bool UpstreamTlsSpec::operator==(const UpstreamTlsSpec& other) const {
  const auto settings = [](const UpstreamTlsSpec& spec) {
    return std::tie(spec.verifies, spec.verify_depth, spec.name, spec.sends_server_name,
                    spec.allows_tls12, spec.allows_tls13, spec.ciphers, spec.authorities_pem);
  };
  return settings(*this) == settings(other) && same(certificate, other.certificate);
}

bool BackendSpec::operator==(const BackendSpec& other) const {
  const auto rest = [](const BackendSpec& spec) {
    return std::tie(spec.key, spec.namespace_, spec.service, spec.port, spec.endpoints,
                    spec.missing_because, spec.denied_because, spec.protocol, spec.tls_like_client);
  };
  return rest(*this) == rest(other) && same(tls, other.tls) && same(balance, other.balance);
}

}  // namespace portico::routing
