// One TLS policy of the client's side: whom to trust, who we are, versions, ALPN.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "routing/snapshot.h"
#include "tls/policy.h"

namespace portico::tls {

struct ClientOptions {
  // Certificates that are trusted, as PEM; any of them ends a chain, be it a root or not. Empty:
  // those of the system.
  std::string authorities_pem;
  // False: whoever answers is taken for the server. The certificate's name counts by its SAN only.
  bool verify = true;
  // How many certificates may stand between the server's and one that is trusted; -1: any number.
  int verify_depth = -1;
  // Whether the server is told by SNI which name is meant; what is verified is the same.
  bool send_server_name = true;
  // Sessions of earlier connections are resumed, those of the same server only (Engine::client).
  bool resume_sessions = false;
  // What the server is shown where it asks; null: nothing.
  std::shared_ptr<const routing::CertificateSpec> certificate;
  Version minimum_version = Version::kTls12;
  Version maximum_version = Version::kTls13;
  std::string ciphers = kDefaultCiphers;
  std::string cipher_suites = kDefaultCipherSuites;
  std::string groups = kDefaultGroups;
  std::vector<std::string> alpn;  // offered, in order of preference; empty: no ALPN
};

// Thread:    shared by all workers and used for any number of servers; immutable but for the
// sessions it remembers, which are guarded. Lifetime:  every Engine made from it keeps it alive.
class ClientContext {
 public:
  // Errors: one sentence that begins with what is at fault: "ca.crt", "tls.crt", "tls.key" (as
  // Secrets call them), or the list that OpenSSL does not accept.
  static std::expected<std::shared_ptr<const ClientContext>, std::string> create(
      const ClientOptions& options);

  ClientContext(const ClientContext&) = delete;
  ClientContext& operator=(const ClientContext&) = delete;
  ~ClientContext();

  struct Native;  // OpenSSL's side, for this folder's .cc files
  [[nodiscard]] const Native& native() const { return *native_; }

 private:
  explicit ClientContext(std::unique_ptr<Native> native);

  std::unique_ptr<Native> native_;
};

}  // namespace portico::tls
