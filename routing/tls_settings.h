// How clients' TLS is served: what the controller's ConfigMap says of it, and the ticket keys that
// replicas share.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace portico::routing {

struct TlsSettings {
  bool tls12 = true;
  bool tls13 = true;
  std::string ciphers;  // of TLS 1.2; empty: the built-in list
  std::string groups;   // of the key exchange; empty: the built-in list
  bool reject_unknown_names = false;
  bool tickets = true;
  std::chrono::seconds session_timeout{0};  // 0: as long as a ticket's key lives
  bool ocsp_stapling = true;
  // What tickets are sealed with, as 80 bytes: the first seals, all open. Empty: keys of its own.
  std::vector<std::string> ticket_keys;

  bool operator==(const TlsSettings&) const = default;
};

}  // namespace portico::routing
