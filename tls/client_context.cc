#include "tls/client_context.h"

#include <cstdlib>
#include <unistd.h>
#include <utility>

#include <climits>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>

#include "tls/context_policy.h"
#include "tls/decode.h"
#include "tls/native.h"
#include "tls/pem.h"
#include "tls/pem_blocks.h"
#include "tls/verify_failure.h"

namespace portico::tls {
namespace {

using Result = std::expected<void, std::string>;

Result refuse(std::string why) {
  ERR_clear_error();
  return std::unexpected(std::move(why));
}

Result trust(X509_STORE* store, const std::string& pem) {
  if (pem.size() > INT_MAX) {
    return refuse("ca.crt is too long");
  }
  BlockReader reader(pem, PEM_STRING_X509);
  int count = 0;
  auto block = reader.next();
  for (; block; block = reader.next()) {
    if (block->label != PEM_STRING_X509 && block->label != PEM_STRING_X509_OLD) {
      continue;
    }
    ++count;
    const auto certificate = decode_certificate(block->der);
    if (certificate == nullptr) {
      return refuse("ca.crt: certificate " + std::to_string(count) + " is malformed");
    }
    must(X509_STORE_add_cert(store, certificate.get()) == 1, "X509_STORE_add_cert");
  }
  if (block.error() == BlockReader::End::kMalformed) {
    return refuse("ca.crt: what follows certificate " + std::to_string(count) + " is malformed");
  }
  if (count == 0) {
    return refuse("ca.crt holds no PEM certificate");
  }
  // As Go and most others: who names a certificate trusts it, whether it is a root or not.
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  return {};
}

// OpenSSL looks for one file and a folder of hashed names; an image may hold nothing but the bundle
// that ca-certificates (or its like elsewhere) makes.
Result trust_system(SSL_CTX* context) {
  if (SSL_CTX_set_default_verify_paths(context) != 1) {
    return refuse("ca.crt: the system's certificates can't be found");
  }
  if (std::getenv(X509_get_default_cert_file_env()) != nullptr ||
      ::access(X509_get_default_cert_file(), R_OK) == 0) {
    return {};
  }
  for (const char* bundle :
       {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"}) {
    if (SSL_CTX_load_verify_file(context, bundle) == 1) {
      break;
    }
  }
  ERR_clear_error();
  return {};
}

Result set_authorities(SSL_CTX* context, const ClientOptions& options) {
  if (!options.verify) {
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
    return {};
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, note_verify_failure);
  if (options.verify_depth >= 0) {
    SSL_CTX_set_verify_depth(context, options.verify_depth);
  }
  if (!options.authorities_pem.empty()) {
    return trust(SSL_CTX_get_cert_store(context), options.authorities_pem);
  }
  return trust_system(context);
}

Result set_certificate(SSL_CTX* context, const ClientOptions& options) {
  if (options.certificate == nullptr) {
    return {};
  }
  const auto parsed = parse_certificate(*options.certificate);
  if (!parsed) {
    return refuse(parsed.error());
  }
  constexpr int kReplace = 1;
  if (SSL_CTX_use_cert_and_key(context, parsed->leaf.get(), parsed->key.get(), parsed->chain.get(),
                               kReplace) != 1) {
    return refuse(std::string("tls.crt: ") + take_error("not accepted"));
  }
  return {};
}

Result set_alpn(SSL_CTX* context, const ClientOptions& options) {
  const auto wire = alpn_wire_form(options.alpn);
  if (!wire) {
    return refuse(wire.error());
  }
  if (!wire->empty()) {  // 0 is success here, unlike everywhere else
    must(SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(wire->data()),
                                 static_cast<unsigned>(wire->size())) == 0,
         "SSL_CTX_set_alpn_protos");
  }
  return {};
}

// With TLS 1.3 a session comes behind the handshake, so that OpenSSL has to tell of it. A copy is
// kept, since freeing a connection that was cut spoils its own.
int keep_session(SSL* ssl, SSL_SESSION* session) {
  const auto& handshake = *static_cast<const ClientHandshake*>(SSL_get_app_data(ssl));
  if (handshake.sessions != nullptr) {
    handshake.sessions->put(handshake.session_key, SslSessionPtr(SSL_SESSION_dup(session)));
  }
  return 0;  // OpenSSL's own stays its own
}

}  // namespace

std::expected<std::shared_ptr<const ClientContext>, std::string> ClientContext::create(
    const ClientOptions& options) {
  ERR_clear_error();
  auto native = std::make_unique<Native>(SslCtxPtr(SSL_CTX_new(TLS_client_method())));
  auto* context = native->context.get();
  must(context != nullptr, "SSL_CTX_new");
  native->verifies = options.verify;
  native->sends_server_name = options.send_server_name;
  if (options.resume_sessions) {
    native->sessions = std::make_unique<SessionMemory>();
    SSL_CTX_set_session_cache_mode(context,
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
    SSL_CTX_sess_set_new_cb(context, keep_session);
  }
  if (const auto applied = apply_policy(context, options); !applied) {
    return std::unexpected(applied.error());
  }
  for (const auto set : {set_authorities, set_certificate, set_alpn}) {
    if (const auto done = set(context, options); !done) {
      return std::unexpected(done.error());
    }
  }
  ERR_clear_error();
  return std::shared_ptr<const ClientContext>(new ClientContext(std::move(native)));
}

ClientContext::ClientContext(std::unique_ptr<Native> native) : native_(std::move(native)) {}

ClientContext::~ClientContext() = default;

}  // namespace portico::tls
