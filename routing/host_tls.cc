#include "routing/host_tls.h"

namespace portico::routing {

bool HostTls::same_trust(const HostTls& other) const {
  return verify_depth == other.verify_depth && authorities_pem == other.authorities_pem &&
         revocations_pem == other.revocations_pem;
}

}  // namespace portico::routing
