// OpenSSL's side of this folder's public classes. For this folder's .cc files only.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "tls/certificate.h"
#include "tls/certificate_store.h"
#include "tls/client_certificate.h"
#include "tls/client_context.h"
#include "tls/client_trust.h"
#include "tls/openssl.h"
#include "tls/server_context.h"
#include "tls/server_policies.h"
#include "tls/session_memory.h"
#include "tls/staple.h"
#include "tls/ticket_keys.h"

namespace portico::tls {

struct Certificate::Parsed {
  X509Ptr leaf;
  X509StackPtr chain;  // what follows the leaf; may be empty
  PkeyPtr key;
  Staple staple;        // nothing in it: none is given, or none that is this certificate's
  std::string problem;  // not empty: the others are null
};

struct ServerContext::Native {
  SslCtxPtr context;
  std::string alpn;  // in wire form: each name behind its length
  std::shared_ptr<TicketKeys> keys;
  // A session is only resumed under the policy that it was made under.
  std::array<unsigned char, 32> scope;
};

struct ClientTrust::Native {
  std::unique_ptr<X509_STORE, Deleter<X509_STORE_free>> store;
  X509NameStackPtr names;  // told to clients; empty: none
  std::array<unsigned char, 32> scope;
};

struct ClientCertificate::Native {
  std::shared_ptr<const ClientTrust> trust;
  X509Ptr certificate;  // null: none
  int error = X509_V_OK;
};

struct ClientContext::Native {
  SslCtxPtr context;
  bool verifies = true;
  bool sends_server_name = true;
  std::unique_ptr<SessionMemory> sessions;  // null: none are resumed
};

// What ServerContext's callbacks read and write of one connection; it is the SSL's app data.
struct Handshake {
  // Of the context that the connection began with: that of its name may have been made by other
  // settings meanwhile, and the callbacks and options are the first one's.
  TicketKeys* ticket_keys = nullptr;
  std::shared_ptr<const CertificateStore> store;
  const ServerPolicies* policies = nullptr;  // null: all names alike
  std::string sni;
  CertificateStore::Reason reason = CertificateStore::Reason::kName;
  const Certificate* certificate = nullptr;  // of the store
  ServerPolicy policy;
};

}  // namespace portico::tls
