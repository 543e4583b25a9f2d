// Whom a host believes to have signed its clients' certificates, ready to be asked.
#pragma once

#include <expected>
#include <memory>
#include <string>

#include "routing/host_tls.h"

namespace portico::tls {

// Thread:    immutable; shared by every handshake that asks by it.
class ClientTrust {
 public:
  // Of a HostTls with authorities.
  // Errors: one sentence that begins with the Secret's entry at fault, "ca.crt" or "ca.crl".
  static std::expected<std::shared_ptr<const ClientTrust>, std::string> create(
      std::shared_ptr<const routing::HostTls> spec);

  ClientTrust(const ClientTrust&) = delete;
  ClientTrust& operator=(const ClientTrust&) = delete;
  ~ClientTrust();

  [[nodiscard]] const routing::HostTls& spec() const { return *spec_; }

  struct Native;  // OpenSSL's side, for this folder's .cc files
  [[nodiscard]] const Native& native() const { return *native_; }

 private:
  ClientTrust(std::shared_ptr<const routing::HostTls> spec, std::unique_ptr<Native> native);

  std::shared_ptr<const routing::HostTls> spec_;
  std::unique_ptr<Native> native_;
};

}  // namespace portico::tls
