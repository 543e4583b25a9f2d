// What a server name changes about a handshake, besides the certificate.
#pragma once

#include <memory>
#include <string_view>

#include "tls/client_trust.h"
#include "tls/server_context.h"

namespace portico::tls {

struct ServerPolicy {
  // Null: the one that the engine was made with. Of another one the ciphers and whose order counts;
  // versions, groups and tickets stay.
  std::shared_ptr<const ServerContext> context;
  std::shared_ptr<const ClientTrust> clients;  // null: no certificate is asked for
  bool is_refused = false;  // nobody serves that name: the alert unrecognized_name
};

class ServerPolicies {
 public:
  // `server_name` lower-case, without a final dot; "" where the client sent none.
  [[nodiscard]] virtual ServerPolicy find(std::string_view server_name) const = 0;

 protected:
  ~ServerPolicies() = default;
};

}  // namespace portico::tls
