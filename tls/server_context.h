// One TLS policy of the server's side: versions, ciphers, ALPN, tickets.
#pragma once

#include <chrono>
#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "tls/policy.h"

namespace portico::tls {

class TicketKeys;

struct ServerOptions {
  Version minimum_version = Version::kTls12;
  Version maximum_version = Version::kTls13;
  std::string ciphers = kDefaultCiphers;
  std::string cipher_suites = kDefaultCipherSuites;
  std::string groups = kDefaultGroups;
  // In order of preference. A client that offers ALPN but none of these is refused (RFC 7301 3.2);
  // one that offers no ALPN gets none.
  std::vector<std::string> alpn = {"http/1.1"};
  bool prefers_server_ciphers = true;  // except that ChaCha20, where it is wanted first, is had
  bool staples_ocsp = true;            // what certificates come with, while it is valid
  // How long a session can be resumed; 0: for a period of the ticket keys.
  std::chrono::seconds session_timeout{0};
};

// Serves any number of certificates: each handshake asks the CertificateStore that its Engine was
// given.
//
// Thread:    immutable; one may be shared by all workers.
// Lifetime:  every Engine made from it keeps it alive.
class ServerContext {
 public:
  // `keys` seal the session tickets of TLS 1.2 and 1.3; without keys no session is resumed.
  // Errors: a cipher list, group list or ALPN name that OpenSSL does not accept; one sentence.
  static std::expected<std::shared_ptr<const ServerContext>, std::string> create(
      const ServerOptions& options, std::shared_ptr<TicketKeys> keys);

  ServerContext(const ServerContext&) = delete;
  ServerContext& operator=(const ServerContext&) = delete;
  ~ServerContext();

  struct Native;  // OpenSSL's side, for this folder's .cc files
  [[nodiscard]] const Native& native() const { return *native_; }

 private:
  explicit ServerContext(std::unique_ptr<Native> native);

  std::unique_ptr<Native> native_;
};

}  // namespace portico::tls
