// The TLS context of an API client: rebuilt when an authority or the client's certificate changes.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>

#include "controller/kube/api/access.h"
#include "controller/kube/api/credentials.h"
#include "controller/kube/api/reread_content.h"

namespace portico::tls {
class ClientContext;
}

namespace portico::kube {

// Thread:    the loop's.
// Errors:    one line that names file and field.
class ClientTls {
 public:
  ClientTls(const ApiAccess& access, SteadyClock clock);

  // The same pointer as long as nothing changed: connections made with another one are outdated.
  std::expected<std::shared_ptr<const tls::ClientContext>, std::string> context(
      const Credential& credential);
  // As read last; empty where the system's are trusted.
  [[nodiscard]] const std::string& authority_pem() const { return authority_.bytes(); }

 private:
  [[nodiscard]] std::string blame(const std::string& problem) const;

  std::string origin_;
  Content authority_content_;
  Content certificate_content_;
  Content key_content_;
  bool verify_;
  RereadContent authority_;
  std::shared_ptr<const tls::ClientContext> context_;
  std::uint64_t made_of_authority_ = 0;
  std::uint64_t made_of_certificate_ = 0;
};

}  // namespace portico::kube
