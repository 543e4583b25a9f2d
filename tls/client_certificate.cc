#include "tls/client_certificate.h"

#include <utility>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "tls/native.h"

namespace portico::tls {
namespace {

// What nginx's optional_no_ca lets pass.
bool is_about_issuer(long error) {
  return error == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT ||
         error == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN ||
         error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
         error == X509_V_ERR_CERT_UNTRUSTED || error == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE;
}

std::string taken_from(BIO* bio) {
  char* text = nullptr;
  const auto size = BIO_get_mem_data(bio, &text);
  return {text, static_cast<std::size_t>(size)};
}

std::string text_of(const X509_NAME* name) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  must(bio != nullptr, "BIO_new");
  const bool printed = X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253) >= 0;
  ERR_clear_error();
  return printed ? taken_from(bio.get()) : std::string();
}

std::string pem_of(const X509* certificate) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  must(bio != nullptr && PEM_write_bio_X509(bio.get(), certificate) == 1, "PEM_write_bio_X509");
  return taken_from(bio.get());
}

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

std::string percent_encoded(const std::string& text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(text.size() + text.size() / 8);
  for (const char c : text) {
    if (is_unreserved(c)) {
      encoded += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    encoded += '%';
    encoded += kDigits[byte >> 4];
    encoded += kDigits[byte & 15];
  }
  return encoded;
}

template <class Make>
const std::string& once(std::optional<std::string>& text, Make make) {
  if (!text) {
    text = make();
  }
  return *text;
}

}  // namespace

ClientCertificate::ClientCertificate(std::unique_ptr<const Native> native)
    : native_(std::move(native)) {}

ClientCertificate::~ClientCertificate() = default;

ClientCertificate::Result ClientCertificate::result() const {
  if (native_->certificate == nullptr) {
    return Result::kNone;
  }
  if (native_->error == X509_V_OK) {
    return Result::kGood;
  }
  return is_about_issuer(native_->error) ? Result::kUnknownIssuer : Result::kBad;
}

const std::string& ClientCertificate::verdict() const {
  return once(verdict_, [this]() -> std::string {
    switch (result()) {
      case Result::kNone:
        return "NONE";
      case Result::kGood:
        return "SUCCESS";
      case Result::kUnknownIssuer:
      case Result::kBad:
        break;
    }
    return std::string("FAILED:") + X509_verify_cert_error_string(native_->error);
  });
}

const std::string& ClientCertificate::subject() const {
  return once(subject_, [this] {
    const auto* certificate = native_->certificate.get();
    return certificate == nullptr ? std::string() : text_of(X509_get_subject_name(certificate));
  });
}

const std::string& ClientCertificate::issuer() const {
  return once(issuer_, [this] {
    const auto* certificate = native_->certificate.get();
    return certificate == nullptr ? std::string() : text_of(X509_get_issuer_name(certificate));
  });
}

const std::string& ClientCertificate::escaped_pem() const {
  return once(escaped_pem_, [this] {
    const auto* certificate = native_->certificate.get();
    return certificate == nullptr ? std::string() : percent_encoded(pem_of(certificate));
  });
}

const routing::HostTls& ClientCertificate::judged_by() const {
  return native_->trust->spec();
}

}  // namespace portico::tls
