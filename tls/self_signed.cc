#include "tls/self_signed.h"

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "tls/openssl.h"

namespace portico::tls {
namespace {

constexpr long kDay = 24 * 60 * 60;

void set_serial(X509* certificate) {
  std::uint64_t serial = 0;
  must(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1, "RAND_bytes");
  // RFC 5280 4.1.2.2: positive, so not the top bit, and never 0.
  must(ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), (serial >> 1) | 1) == 1,
       "ASN1_INTEGER_set_uint64");
}

void set_name(X509* certificate, const std::string& common_name) {
  auto* name = X509_get_subject_name(certificate);
  must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                  reinterpret_cast<const unsigned char*>(common_name.data()),
                                  static_cast<int>(common_name.size()), -1, 0) == 1,
       "X509_NAME_add_entry_by_txt");
  must(X509_set_issuer_name(certificate, name) == 1, "X509_set_issuer_name");
}

void add_extension(X509* certificate, int kind, const std::string& value) {
  auto* extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str());
  must(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1, "X509_add_ext");
  X509_EXTENSION_free(extension);
}

template <class Write>
std::string to_pem(Write write) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  must(bio != nullptr && write(bio.get()) == 1, "PEM_write_bio");
  char* text = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

}  // namespace

std::shared_ptr<const routing::CertificateSpec> make_self_signed(const SelfSignedOptions& options) {
  const PkeyPtr key(EVP_EC_gen("P-256"));
  const X509Ptr certificate(X509_new());
  must(key != nullptr && certificate != nullptr, "EVP_EC_gen");
  constexpr long kVersion3 = 2;
  X509_set_version(certificate.get(), kVersion3);
  set_serial(certificate.get());
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -kDay);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), options.days * kDay);
  set_name(certificate.get(), options.common_name);
  must(X509_set_pubkey(certificate.get(), key.get()) == 1, "X509_set_pubkey");
  add_extension(certificate.get(), NID_subject_alt_name, "DNS:" + options.dns_name);
  add_extension(certificate.get(), NID_basic_constraints, "critical,CA:FALSE");
  add_extension(certificate.get(), NID_ext_key_usage, "serverAuth");
  must(X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0, "X509_sign");

  auto spec = std::make_shared<routing::CertificateSpec>();
  spec->chain_pem = to_pem([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate.get()); });
  spec->key_pem = to_pem([&](BIO* bio) {
    return PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
  return spec;
}

}  // namespace portico::tls
