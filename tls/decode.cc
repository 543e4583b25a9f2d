#include "tls/decode.h"

#include <array>
#include <utility>

#include <openssl/decoder.h>
#include <openssl/x509v3.h>

namespace portico::tls {
namespace {

const unsigned char* bytes_of(const std::string& der) {
  return reinterpret_cast<const unsigned char*>(der.data());
}

class KeyDecoder {
 public:
  KeyDecoder()
      : context_(OSSL_DECODER_CTX_new_for_pkey(&key_, "DER", nullptr, nullptr, EVP_PKEY_KEYPAIR,
                                               nullptr, nullptr)) {
    must(context_ != nullptr, "OSSL_DECODER_CTX_new_for_pkey");
  }
  KeyDecoder(const KeyDecoder&) = delete;  // context_ points to key_
  KeyDecoder& operator=(const KeyDecoder&) = delete;

  PkeyPtr decode(const std::string& der) {
    const auto* cursor = bytes_of(der);
    auto size = der.size();
    const bool decoded = OSSL_DECODER_from_data(context_.get(), &cursor, &size) == 1;
    PkeyPtr key(std::exchange(key_, nullptr));
    return decoded ? std::move(key) : nullptr;
  }

 private:
  EVP_PKEY* key_ = nullptr;
  std::unique_ptr<OSSL_DECODER_CTX, Deleter<OSSL_DECODER_CTX_free>> context_;
};

class RecentIssuers {
 public:
  X509Ptr get(const std::string& der) {
    for (const auto& entry : entries_) {
      if (entry.certificate != nullptr && entry.der == der) {
        return share(entry.certificate.get());
      }
    }
    auto certificate = decode_certificate(der);
    if (certificate != nullptr) {
      entries_[next_] = {.der = der, .certificate = share(certificate.get())};
      next_ = (next_ + 1) % entries_.size();
    }
    return certificate;
  }

 private:
  struct Entry {
    std::string der;
    X509Ptr certificate;
  };
  static X509Ptr share(X509* certificate) {
    X509_up_ref(certificate);
    return X509Ptr(certificate);
  }

  std::array<Entry, 32> entries_;
  std::size_t next_ = 0;
};

}  // namespace

PkeyPtr decode_private_key(const std::string& der) {
  thread_local KeyDecoder decoder;
  return decoder.decode(der);
}

X509Ptr decode_certificate(const std::string& der) {
  const auto* cursor = bytes_of(der);
  X509Ptr certificate(d2i_X509(nullptr, &cursor, static_cast<long>(der.size())));
  if (certificate != nullptr) {
    // Fills in the extensions' cache now, not under its lock in the middle of a handshake.
    X509_check_purpose(certificate.get(), -1, 0);
  }
  return certificate;
}

X509Ptr decode_issuer(const std::string& der) {
  thread_local RecentIssuers issuers;
  return issuers.get(der);
}

}  // namespace portico::tls
