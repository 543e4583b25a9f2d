// Prints many self-signed certificates, each with its own P-256 key, one to a line:
//   HOST BASE64_OF_CERTIFICATE_PEM BASE64_OF_KEY_PEM
// the two values being what a kubernetes.io/tls Secret holds.
//
// Usage: portico_bench_certificates COUNT HOST_SUFFIX      hosts are h0HOST_SUFFIX, h1HOST_SUFFIX,
// ...
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace {

template <auto function>
struct Freer {
  void operator()(auto* object) const { function(object); }
};
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freer<X509_free>>;
using Bio = std::unique_ptr<BIO, Freer<BIO_free>>;

void require(bool ok) {
  if (!ok) {
    std::fputs("portico_bench_certificates: OpenSSL failed\n", stderr);
    std::exit(1);
  }
}

Certificate make_certificate(const std::string& host, long serial, EVP_PKEY* key) {
  constexpr long kTenYears = 10L * 365 * 24 * 3600;
  Certificate certificate(X509_new());
  X509* x509 = certificate.get();
  require(X509_set_version(x509, X509_VERSION_3) == 1);
  ASN1_INTEGER_set(X509_get_serialNumber(x509), serial);
  X509_gmtime_adj(X509_getm_notBefore(x509), -3600);
  X509_gmtime_adj(X509_getm_notAfter(x509), kTenYears);
  X509_NAME* name = X509_get_subject_name(x509);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(host.data()),
                             static_cast<int>(host.size()), -1, 0);
  X509_set_issuer_name(x509, name);
  X509_set_pubkey(x509, key);
  X509_EXTENSION* names =
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, ("DNS:" + host).c_str());
  require(names != nullptr && X509_add_ext(x509, names, -1) == 1);
  X509_EXTENSION_free(names);
  require(X509_sign(x509, key, EVP_sha256()) > 0);
  return certificate;
}

std::string base64(const Bio& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  std::string text(4 * ((size + 2) / 3) + 1, '\0');
  const int length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                      reinterpret_cast<const unsigned char*>(data), static_cast<int>(size));
  text.resize(length);
  return text;
}

void print_one(const std::string& host, long serial) {
  const Key key(EVP_EC_gen("P-256"));
  require(key != nullptr);
  const Certificate certificate = make_certificate(host, serial, key.get());
  const Bio certificate_pem(BIO_new(BIO_s_mem()));
  const Bio key_pem(BIO_new(BIO_s_mem()));
  require(PEM_write_bio_X509(certificate_pem.get(), certificate.get()) == 1);
  require(PEM_write_bio_PrivateKey(key_pem.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                   nullptr) == 1);
  std::printf("%s %s %s\n", host.c_str(), base64(certificate_pem).c_str(), base64(key_pem).c_str());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s COUNT HOST_SUFFIX\n", argv[0]);
    return 2;
  }
  for (long i = 0; i < std::atol(argv[1]); ++i) {
    print_one("h" + std::to_string(i) + argv[2], i + 1);
  }
}
