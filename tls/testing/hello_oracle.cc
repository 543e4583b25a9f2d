#include "tls/testing/hello_oracle.h"

#include <algorithm>

#include <openssl/err.h>

#include "tls/openssl.h"

namespace portico::tls::testing {
namespace {

struct Seen {
  ClientHello hello;
  bool whole = false;
};

// Before anything is judged: the extension as it came.
int on_hello(SSL* ssl, int*, void* into) {
  const unsigned char* data = nullptr;
  std::size_t size = 0;
  if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &data,
                                &size) == 1 &&
      size > 2) {
    std::string_view list(reinterpret_cast<const char*>(data) + 2, size - 2);
    while (!list.empty()) {
      const auto length = std::min<std::size_t>(static_cast<unsigned char>(list[0]), list.size());
      static_cast<Seen*>(into)->hello.alpn.emplace_back(list.substr(1, length));
      list.remove_prefix(std::min(length + 1, list.size()));
    }
  }
  return SSL_CLIENT_HELLO_SUCCESS;
}

// Once all extensions were judged, whether or not a name was among them.
int on_server_name(SSL* ssl, int*, void* into) {
  auto& seen = *static_cast<Seen*>(into);
  seen.whole = true;
  if (const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)) {
    seen.hello.server_name = name;
    std::ranges::transform(seen.hello.server_name, seen.hello.server_name.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
  }
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

std::optional<ClientHello> openssl_reads(std::string_view bytes) {
  const SslCtxPtr context(SSL_CTX_new(TLS_server_method()));
  Seen seen;
  SSL_CTX_set_client_hello_cb(context.get(), on_hello, &seen);
  SSL_CTX_set_tlsext_servername_callback(context.get(), on_server_name);
  SSL_CTX_set_tlsext_servername_arg(context.get(), &seen);
  const SslPtr ssl(SSL_new(context.get()));
  BIO* const in = BIO_new(BIO_s_mem());
  BIO_write(in, bytes.data(), static_cast<int>(bytes.size()));
  SSL_set_bio(ssl.get(), in, BIO_new(BIO_s_mem()));
  SSL_set_accept_state(ssl.get());
  SSL_do_handshake(ssl.get());
  ERR_clear_error();
  return seen.whole ? std::optional(seen.hello) : std::nullopt;
}

}  // namespace portico::tls::testing
