#include "tls/testing/certificates.h"

#include <cstdlib>

#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "tls/openssl.h"
#include "tls/pem.h"

namespace portico::tls::testing {
namespace {

constexpr long kDay = 24 * 60 * 60;
constexpr long kSerial = 7;

PkeyPtr make_key(KeyKind kind) {
  switch (kind) {
    case KeyKind::kP256:
      return PkeyPtr(EVP_EC_gen("P-256"));
    case KeyKind::kRsa2048:
      return PkeyPtr(EVP_RSA_gen(2048));
    case KeyKind::kRsa1024:
      return PkeyPtr(EVP_RSA_gen(1024));
    case KeyKind::kEd25519:
      return PkeyPtr(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  }
  std::abort();
}

void set_names(X509* certificate, const std::string& common_name, const X509* issuer) {
  auto* subject = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(common_name.data()),
                             static_cast<int>(common_name.size()), -1, 0);
  X509_set_issuer_name(certificate, issuer == nullptr ? subject : X509_get_subject_name(issuer));
}

void add_alternative_names(X509* certificate, const std::vector<std::string>& names) {
  if (names.empty()) {
    return;
  }
  std::string value;
  for (const auto& name : names) {
    auto* ip = a2i_IPADDRESS(name.c_str());
    value += (value.empty() ? "" : ",") + std::string(ip != nullptr ? "IP:" : "DNS:") + name;
    ASN1_OCTET_STRING_free(ip);
  }
  auto* extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, value.c_str());
  must(extension != nullptr, "X509V3_EXT_conf_nid");
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

void add_authority(X509* certificate) {
  auto* extension =
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_basic_constraints, "critical,CA:TRUE");
  must(extension != nullptr, "X509V3_EXT_conf_nid");
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

struct Pair {
  X509Ptr certificate;
  PkeyPtr key;
};

Pair sign(const CertificateRequest& request, const Pair* issuer) {
  Pair made{X509Ptr(X509_new()), make_key(request.key)};
  auto* certificate = made.certificate.get();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), kSerial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), request.begins_in_days * kDay);
  X509_gmtime_adj(X509_getm_notAfter(certificate), request.ends_in_days * kDay);
  set_names(certificate, request.common_name,
            issuer == nullptr ? nullptr : issuer->certificate.get());
  add_alternative_names(certificate, request.names);
  if (request.is_authority) {
    add_authority(certificate);
  }
  X509_set_pubkey(certificate, made.key.get());
  const auto* signer = issuer == nullptr ? made.key.get() : issuer->key.get();
  const auto* digest = request.sha1 ? EVP_sha1() : EVP_sha256();
  must(X509_sign(certificate, const_cast<EVP_PKEY*>(signer),
                 EVP_PKEY_get_base_id(signer) == EVP_PKEY_ED25519 ? nullptr : digest) > 0,
       "X509_sign");
  return made;
}

template <class Write>
std::string to_pem(Write write) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  must(write(bio.get()) == 1, "PEM_write_bio");
  char* text = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

std::string key_pem(EVP_PKEY* key, KeyForm form) {
  return to_pem([&](BIO* bio) {
    switch (form) {
      case KeyForm::kTraditional:
        return PEM_write_bio_PrivateKey_traditional(bio, key, nullptr, nullptr, 0, nullptr,
                                                    nullptr);
      case KeyForm::kEncrypted: {
        std::string passphrase = "secret";
        return PEM_write_bio_PKCS8PrivateKey(bio, key, EVP_aes_128_cbc(), passphrase.data(),
                                             static_cast<int>(passphrase.size()), nullptr, nullptr);
      }
      case KeyForm::kPkcs8:
        return PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
    }
    std::abort();
  });
}

std::string certificate_pem(X509* certificate) {
  return to_pem([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate); });
}

}  // namespace

struct Authority::Native {
  Pair pair;
};

Authority::Authority(const std::string& common_name, const Authority* above)
    : native_(std::make_unique<Native>(
          sign({.common_name = common_name, .names = {}, .is_authority = true},
               above == nullptr ? nullptr : &above->native_->pair))),
      pem_(certificate_pem(native_->pair.certificate.get())) {
  if (above != nullptr) {
    chain_pem_ = pem_ + above->chain_pem_;
  }
}

Authority::Authority(Authority&&) noexcept = default;

Authority::~Authority() = default;

std::shared_ptr<const routing::CertificateSpec> Authority::issue(
    const CertificateRequest& request) const {
  const auto leaf = sign(request, &native_->pair);
  auto spec = std::make_shared<routing::CertificateSpec>();
  spec->key_pem = key_pem(leaf.key.get(), request.key_form);
  spec->chain_pem = certificate_pem(leaf.certificate.get()) + chain_pem_;
  return spec;
}

std::string Authority::revocations(bool all, long next_in_days) const {
  const std::unique_ptr<X509_CRL, Deleter<X509_CRL_free>> list(X509_CRL_new());
  X509_CRL_set_version(list.get(), 1);
  X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(native_->pair.certificate.get()));
  const std::unique_ptr<ASN1_TIME, Deleter<ASN1_TIME_free>> time(ASN1_TIME_new());
  X509_gmtime_adj(time.get(), -2 * kDay);
  X509_CRL_set1_lastUpdate(list.get(), time.get());
  auto* entry = X509_REVOKED_new();
  const std::unique_ptr<ASN1_INTEGER, Deleter<ASN1_INTEGER_free>> serial(ASN1_INTEGER_new());
  ASN1_INTEGER_set(serial.get(), all ? kSerial : kSerial + 1);
  X509_REVOKED_set_serialNumber(entry, serial.get());
  X509_REVOKED_set_revocationDate(entry, time.get());
  X509_CRL_add0_revoked(list.get(), entry);
  X509_gmtime_adj(time.get(), next_in_days * kDay);
  X509_CRL_set1_nextUpdate(list.get(), time.get());
  must(X509_CRL_sign(list.get(), native_->pair.key.get(), EVP_sha256()) > 0, "X509_CRL_sign");
  return to_pem([&](BIO* bio) { return PEM_write_bio_X509_CRL(bio, list.get()); });
}

std::string Authority::ocsp_response(const routing::CertificateSpec& leaf, bool is_good,
                                     long next_in_days) const {
  const auto parsed = parse_certificate(leaf);
  must(parsed.has_value(), "parse_certificate");
  auto* issuer = native_->pair.certificate.get();
  const std::unique_ptr<OCSP_BASICRESP, Deleter<OCSP_BASICRESP_free>> basic(OCSP_BASICRESP_new());
  const std::unique_ptr<OCSP_CERTID, Deleter<OCSP_CERTID_free>> id(
      OCSP_cert_to_id(EVP_sha1(), parsed->leaf.get(), issuer));
  const std::unique_ptr<ASN1_TIME, Deleter<ASN1_TIME_free>> from(
      X509_gmtime_adj(nullptr, -2 * kDay));
  const std::unique_ptr<ASN1_TIME, Deleter<ASN1_TIME_free>> until(
      X509_gmtime_adj(nullptr, next_in_days * kDay));
  must(OCSP_basic_add1_status(basic.get(), id.get(),
                              is_good ? V_OCSP_CERTSTATUS_GOOD : V_OCSP_CERTSTATUS_REVOKED, 0,
                              from.get(), from.get(), until.get()) != nullptr,
       "OCSP_basic_add1_status");
  must(OCSP_basic_sign(basic.get(), issuer, native_->pair.key.get(), EVP_sha256(), nullptr, 0) == 1,
       "OCSP_basic_sign");
  const std::unique_ptr<OCSP_RESPONSE, Deleter<OCSP_RESPONSE_free>> response(
      OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic.get()));
  unsigned char* der = nullptr;
  const int size = i2d_OCSP_RESPONSE(response.get(), &der);
  must(size > 0, "i2d_OCSP_RESPONSE");
  std::string text(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return text;
}

std::shared_ptr<const routing::CertificateSpec> make_certificate(
    const CertificateRequest& request) {
  std::vector<Pair> issuers;  // the root first
  for (int i = 0; i < request.intermediates + (request.intermediates > 0 || request.sha1 ? 1 : 0);
       ++i) {
    issuers.push_back(
        sign({.common_name = "issuer " + std::to_string(i), .names = {}, .is_authority = true},
             issuers.empty() ? nullptr : &issuers.back()));
  }
  const auto leaf = sign(request, issuers.empty() ? nullptr : &issuers.back());
  auto spec = std::make_shared<routing::CertificateSpec>();
  spec->secret = "test/" + request.common_name;
  spec->key_pem = key_pem(leaf.key.get(), request.key_form);
  spec->chain_pem =
      to_pem([&](BIO* bio) { return PEM_write_bio_X509(bio, leaf.certificate.get()); });
  for (int i = request.intermediates; i >= 1; --i) {
    spec->chain_pem +=
        to_pem([&](BIO* bio) { return PEM_write_bio_X509(bio, issuers[i].certificate.get()); });
  }
  return spec;
}

}  // namespace portico::tls::testing
