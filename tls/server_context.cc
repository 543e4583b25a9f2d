#include "tls/server_context.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <utility>

#include <absl/strings/ascii.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "tls/context_policy.h"
#include "tls/native.h"

namespace portico::tls {
namespace {

// Some ten certificates: each costs a signature to check.
constexpr long kMostClientChainBytes = 24L * 1024;

// The server's; but who asks for ChaCha20 first has no AES instructions.
constexpr std::uint64_t kOrderOfCiphers =
    SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA;

Handshake& handshake_of(SSL* ssl) {
  return *static_cast<Handshake*>(SSL_get_app_data(ssl));
}

// The host_name of a server_name extension (RFC 6066 3), lower-case, without a final dot. Empty
// where it is absent or malformed: OpenSSL judges it again later and refuses the malformed.
std::string read_server_name(SSL* ssl) {
  constexpr std::size_t kHead = 5;  // list length, type, name length
  const unsigned char* bytes = nullptr;
  std::size_t size = 0;
  if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &bytes, &size) != 1 ||
      size <= kHead || bytes[2] != TLSEXT_NAMETYPE_host_name) {
    return {};
  }
  const std::size_t length = bytes[3] * std::size_t{256} + bytes[4];
  if (length > size - kHead || length > TLSEXT_MAXLEN_host_name) {
    return {};
  }
  std::string name(reinterpret_cast<const char*>(bytes) + kHead, length);
  absl::AsciiStrToLower(&name);
  if (name.ends_with('.')) {
    name.pop_back();
  }
  return name;
}

// A bad certificate does not fail the handshake: a browser would show an error of its own, where
// HTTP can say what is wrong. OpenSSL keeps the last error as the result.
int note_and_go_on(int, X509_STORE_CTX*) {
  return 1;
}

// A chain is not resumed where other authorities are asked for, or none.
void set_session_scope(SSL* ssl, const ServerContext::Native& context, const ClientTrust* clients) {
  auto scope = context.scope;
  if (clients != nullptr) {
    std::array<unsigned char, 2 * 32> both;
    std::ranges::copy(clients->native().scope, std::ranges::copy(context.scope, both.begin()).out);
    must(EVP_Digest(both.data(), both.size(), scope.data(), nullptr, EVP_sha256(), nullptr) == 1,
         "EVP_Digest");
  }
  must(SSL_set_session_id_context(ssl, scope.data(), scope.size()) == 1,
       "SSL_set_session_id_context");
}

void ask_for_certificate(SSL* ssl, const ClientTrust& clients) {
  const auto& native = clients.native();
  SSL_set_verify(ssl, SSL_VERIFY_PEER, note_and_go_on);
  SSL_set_verify_depth(ssl, clients.spec().verify_depth);
  must(SSL_set1_verify_cert_store(ssl, native.store.get()) == 1, "SSL_set1_verify_cert_store");
  auto* names = SSL_dup_CA_list(native.names.get());
  must(names != nullptr, "SSL_dup_CA_list");
  SSL_set_client_CA_list(ssl, names);
}

void apply_server_policy(SSL* ssl, const ServerPolicy& policy) {
  if (policy.context != nullptr) {
    auto* context = policy.context->native().context.get();
    SSL_set_SSL_CTX(ssl, context);
    // Options do not come with it.
    SSL_clear_options(ssl, kOrderOfCiphers);
    SSL_set_options(ssl, SSL_CTX_get_options(context) & kOrderOfCiphers);
  }
  const auto& context =
      *static_cast<const ServerContext::Native*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  set_session_scope(ssl, context, policy.clients.get());
  if (policy.clients != nullptr) {
    ask_for_certificate(ssl, *policy.clients);
  }
}

// Read here and not in OpenSSL's servername callback, because a TLS 1.2 ticket is opened before
// that one runs.
int on_client_hello(SSL* ssl, int* alert, void*) {
  auto& handshake = handshake_of(ssl);
  handshake.sni = read_server_name(ssl);
  if (handshake.policies == nullptr) {
    return SSL_CLIENT_HELLO_SUCCESS;
  }
  handshake.policy = handshake.policies->find(handshake.sni);
  if (handshake.policy.is_refused) {
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    return SSL_CLIENT_HELLO_ERROR;
  }
  apply_server_policy(ssl, handshake.policy);
  return SSL_CLIENT_HELLO_SUCCESS;
}

int on_server_name(SSL*, int*, void*) {
  return SSL_TLSEXT_ERR_OK;
}

// Not called for a resumed session.
int choose_certificate(SSL* ssl, void*) {
  auto& handshake = handshake_of(ssl);
  const auto found = handshake.store->find(handshake.sni);
  handshake.reason = found.reason;
  handshake.certificate = found.certificate;
  const auto& parsed = found.certificate->parsed();
  constexpr int kReplace = 1;
  return SSL_use_cert_and_key(ssl, parsed.leaf.get(), parsed.key.get(), parsed.chain.get(),
                              kReplace);
}

int choose_alpn(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
                const unsigned char* offered, unsigned int offered_size, void* argument) {
  const auto& ours = static_cast<const ServerContext::Native*>(argument)->alpn;
  unsigned char* name = nullptr;
  const int result =
      SSL_select_next_proto(&name, chosen_size, reinterpret_cast<const unsigned char*>(ours.data()),
                            static_cast<unsigned int>(ours.size()), offered, offered_size);
  *chosen = name;
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

// Called for clients that ask for it, once the certificate is chosen.
int staple_ocsp(SSL* ssl, void*) {
  const auto* certificate = handshake_of(ssl).certificate;
  if (certificate == nullptr) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  const auto& staple = certificate->parsed().staple;
  if (!staple.is_valid_at(std::time(nullptr))) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  auto* copy = OPENSSL_memdup(staple.response.data(), staple.response.size());
  must(copy != nullptr, "OPENSSL_memdup");
  SSL_set_tlsext_status_ocsp_resp(ssl, copy, static_cast<long>(staple.response.size()));
  return SSL_TLSEXT_ERR_OK;
}

bool set_ticket_mac(EVP_MAC_CTX* mac, TicketKeys::Key& key) {
  std::array<char, 7> digest{"SHA256"};
  const std::array parameters = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.mac.data(), key.mac.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_end()};
  return EVP_MAC_CTX_set_params(mac, parameters.data()) == 1;
}

// SSL_CTX_set_tlsext_ticket_key_evp_cb(3): -1 is an error, 0 an unknown key, 2 asks for a new
// ticket.
int use_ticket_key(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                   EVP_MAC_CTX* mac, int encrypt) {
  auto& keys = *handshake_of(ssl).ticket_keys;
  if (encrypt == 1) {
    auto key = keys.current();
    std::copy(key.name.begin(), key.name.end(), name);
    const bool ready =
        RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) == 1 &&
        EVP_EncryptInit_ex2(cipher, EVP_aes_256_cbc(), key.cipher.data(), iv, nullptr) == 1 &&
        set_ticket_mac(mac, key);
    return ready ? 1 : -1;
  }
  auto found = keys.find(std::span<const unsigned char, 16>(name, 16));
  if (!found) {
    return 0;
  }
  const bool ready =
      EVP_DecryptInit_ex2(cipher, EVP_aes_256_cbc(), found->key.cipher.data(), iv, nullptr) == 1 &&
      set_ticket_mac(mac, found->key);
  if (!ready) {
    return -1;
  }
  return found->is_previous ? 2 : 1;
}

// A ticket carries the name it was issued for: RFC 6066 3 forbids to resume under another one.
int write_ticket(SSL* ssl, void*) {
  const auto& sni = handshake_of(ssl).sni;
  return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), sni.data(), sni.size());
}

SSL_TICKET_RETURN read_ticket(SSL* ssl, SSL_SESSION* session, const unsigned char*, std::size_t,
                              SSL_TICKET_STATUS status, void*) {
  if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW) {
    return SSL_TICKET_RETURN_IGNORE_RENEW;
  }
  void* name = nullptr;
  std::size_t size = 0;
  SSL_SESSION_get0_ticket_appdata(session, &name, &size);
  if (std::string_view(static_cast<const char*>(name), size) != handshake_of(ssl).sni) {
    return SSL_TICKET_RETURN_IGNORE_RENEW;
  }
  return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

void set_session_scope(ServerContext::Native& native, const ServerOptions& options) {
  const auto policy = std::to_string(static_cast<int>(options.minimum_version)) +
                      std::to_string(static_cast<int>(options.maximum_version)) + "\n" +
                      options.ciphers + "\n" + options.cipher_suites + "\n" + native.alpn;
  must(EVP_Digest(policy.data(), policy.size(), native.scope.data(), nullptr, EVP_sha256(),
                  nullptr) == 1,
       "EVP_Digest");
  must(SSL_CTX_set_session_id_context(native.context.get(), native.scope.data(),
                                      native.scope.size()) == 1,
       "SSL_CTX_set_session_id_context");
}

void set_tickets(SSL_CTX* context, const TicketKeys* keys, std::chrono::seconds timeout) {
  // A cache would be per context; tickets are good at every worker.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  if (keys == nullptr) {
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context, 0);
    return;
  }
  // Not OpenSSL's two: who resumes is given another, and each is 6 % of a handshake's work.
  SSL_CTX_set_num_tickets(context, 1);
  const auto lasts = timeout.count() == 0 ? keys->period() : std::min(timeout, keys->period());
  SSL_CTX_set_timeout(context, static_cast<long>(lasts.count()));
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, use_ticket_key);
  SSL_CTX_set_session_ticket_cb(context, write_ticket, read_ticket, nullptr);
}

}  // namespace

std::expected<std::shared_ptr<const ServerContext>, std::string> ServerContext::create(
    const ServerOptions& options, std::shared_ptr<TicketKeys> keys) {
  ERR_clear_error();
  auto alpn = alpn_wire_form(options.alpn);
  if (!alpn) {
    return std::unexpected(std::move(alpn.error()));
  }
  auto native = std::make_unique<Native>(SslCtxPtr(SSL_CTX_new(TLS_server_method())),
                                         std::move(*alpn), std::move(keys));
  auto* context = native->context.get();
  must(context != nullptr, "SSL_CTX_new");
  const auto applied = apply_policy(context, options);
  if (!applied) {
    return std::unexpected(applied.error());
  }
  SSL_CTX_set_app_data(context, native.get());
  SSL_CTX_set_client_hello_cb(context, on_client_hello, nullptr);
  SSL_CTX_set_tlsext_servername_callback(context, on_server_name);
  SSL_CTX_set_cert_cb(context, choose_certificate, nullptr);
  if (!native->alpn.empty()) {
    SSL_CTX_set_alpn_select_cb(context, choose_alpn, native.get());
  }
  set_tickets(context, native->keys.get(), options.session_timeout);
  if (options.staples_ocsp) {
    SSL_CTX_set_tlsext_status_cb(context, staple_ocsp);
  }
  if (options.prefers_server_ciphers) {
    SSL_CTX_set_options(context, kOrderOfCiphers);
  }
  set_session_scope(*native, options);
  SSL_CTX_set_max_cert_list(context, kMostClientChainBytes);
  return std::shared_ptr<const ServerContext>(new ServerContext(std::move(native)));
}

ServerContext::ServerContext(std::unique_ptr<Native> native) : native_(std::move(native)) {}

ServerContext::~ServerContext() = default;

}  // namespace portico::tls
