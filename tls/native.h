// OpenSSL's side of this folder's public classes. For this folder's .cc files only.
#pragma once

#include <memory>
#include <string>

#include "tls/certificate.h"
#include "tls/certificate_store.h"
#include "tls/client_context.h"
#include "tls/openssl.h"
#include "tls/server_context.h"
#include "tls/ticket_keys.h"

namespace portico::tls {

struct Certificate::Parsed {
  X509Ptr leaf;
  X509StackPtr chain;  // what follows the leaf; may be empty
  PkeyPtr key;
  std::string problem;  // not empty: the others are null
};

struct ServerContext::Native {
  SslCtxPtr context;
  std::string alpn;  // in wire form: each name behind its length
  std::shared_ptr<TicketKeys> keys;
};

struct ClientContext::Native {
  SslCtxPtr context;
  bool verifies = true;
};

// What ServerContext's callbacks read and write of one connection; it is the SSL's app data.
struct Handshake {
  std::shared_ptr<const CertificateStore> store;
  std::string sni;
  CertificateStore::Reason reason = CertificateStore::Reason::kName;
};

}  // namespace portico::tls
