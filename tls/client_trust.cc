#include "tls/client_trust.h"

#include <optional>
#include <utility>

#include <climits>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "tls/decode.h"
#include "tls/native.h"
#include "tls/pem_blocks.h"

namespace portico::tls {
namespace {

using Result = std::expected<void, std::string>;

// A client is told the authorities' names, so that it can choose among its certificates. RFC 8446
// allows 64 KiB of them; past this, saying nothing is the better help.
constexpr std::size_t kMostNameBytes = std::size_t{8} * 1024;

Result refuse(std::string why) {
  ERR_clear_error();
  return std::unexpected(std::move(why));
}

// `take` says what is wrong with a block, if anything.
template <class Take>
Result read_blocks(const std::string& pem, std::string_view entry, const char* label,
                   std::string_view kind, Take take) {
  if (pem.size() > INT_MAX) {
    return refuse(std::string(entry) + " is too long");
  }
  BlockReader reader(pem, label);
  int count = 0;
  auto block = reader.next();
  for (; block; block = reader.next()) {
    if (block->label != label) {
      continue;
    }
    ++count;
    if (!take(block->der)) {
      return refuse(std::string(entry) + ": " + std::string(kind) + " " + std::to_string(count) +
                    " is malformed");
    }
  }
  if (block.error() == BlockReader::End::kMalformed) {
    return refuse(std::string(entry) + ": what follows " + std::string(kind) + " " +
                  std::to_string(count) + " is malformed");
  }
  if (count == 0) {
    return refuse(std::string(entry) + " holds no PEM " + std::string(kind));
  }
  return {};
}

Result read_authorities(const std::string& pem, ClientTrust::Native& native) {
  std::size_t name_bytes = 0;
  auto done =
      read_blocks(pem, "ca.crt", PEM_STRING_X509, "certificate", [&](const std::string& der) {
        const auto certificate = decode_certificate(der);
        if (certificate == nullptr) {
          return false;
        }
        must(X509_STORE_add_cert(native.store.get(), certificate.get()) == 1,
             "X509_STORE_add_cert");
        auto* subject = X509_NAME_dup(X509_get_subject_name(certificate.get()));
        must(subject != nullptr && sk_X509_NAME_push(native.names.get(), subject) > 0,
             "X509_NAME_dup");
        name_bytes += static_cast<std::size_t>(i2d_X509_NAME(subject, nullptr));
        return true;
      });
  if (name_bytes > kMostNameBytes) {
    native.names.reset(sk_X509_NAME_new_null());
  }
  return done;
}

Result read_revocations(const std::string& pem, ClientTrust::Native& native) {
  if (pem.empty()) {
    return {};
  }
  auto done = read_blocks(pem, "ca.crl", PEM_STRING_X509_CRL, "CRL", [&](const std::string& der) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
    const std::unique_ptr<X509_CRL, Deleter<X509_CRL_free>> list(
        d2i_X509_CRL(nullptr, &bytes, static_cast<long>(der.size())));
    return list != nullptr && X509_STORE_add_crl(native.store.get(), list.get()) == 1;
  });
  // As nginx does: a CRL is wanted of every authority in the chain.
  X509_STORE_set_flags(native.store.get(), X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
  return done;
}

std::array<unsigned char, 32> digest_of(const routing::HostTls& spec) {
  const auto text = std::to_string(spec.verify_depth) + "\n" +
                    std::to_string(spec.authorities_pem.size()) + "\n" + spec.authorities_pem +
                    spec.revocations_pem;
  std::array<unsigned char, 32> digest;
  must(EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr) == 1,
       "EVP_Digest");
  return digest;
}

}  // namespace

std::expected<std::shared_ptr<const ClientTrust>, std::string> ClientTrust::create(
    std::shared_ptr<const routing::HostTls> spec) {
  ERR_clear_error();
  auto native = std::make_unique<Native>();
  native->store.reset(X509_STORE_new());
  native->names.reset(sk_X509_NAME_new_null());
  must(native->store != nullptr && native->names != nullptr, "X509_STORE_new");
  if (auto done = read_authorities(spec->authorities_pem, *native); !done) {
    return std::unexpected(std::move(done.error()));
  }
  if (auto done = read_revocations(spec->revocations_pem, *native); !done) {
    return std::unexpected(std::move(done.error()));
  }
  native->scope = digest_of(*spec);
  ERR_clear_error();
  return std::shared_ptr<const ClientTrust>(new ClientTrust(std::move(spec), std::move(native)));
}

ClientTrust::ClientTrust(std::shared_ptr<const routing::HostTls> spec,
                         std::unique_ptr<Native> native)
    : spec_(std::move(spec)), native_(std::move(native)) {}

ClientTrust::~ClientTrust() = default;

}  // namespace portico::tls
