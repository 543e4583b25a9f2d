#include "tls/verify_failure.h"

#include <arpa/inet.h>
#include <array>
#include <ctime>

#include <fmt/format.h>
#include <openssl/x509v3.h>

namespace portico::tls {
namespace {

constexpr int kNamesTold = 5;

std::string text_of(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

std::string date_of(const ASN1_TIME* time) {
  std::tm broken{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &broken) != 1) {
    return "an unknown date";
  }
  return fmt::format("{:04}-{:02}-{:02}", broken.tm_year + 1900, broken.tm_mon + 1, broken.tm_mday);
}

// The common name, or all of it where there is none.
std::string name_of(const X509_NAME* name) {
  const int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  if (at >= 0) {
    return text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
  }
  std::array<char, 256> text{};
  X509_NAME_oneline(name, text.data(), static_cast<int>(text.size()));
  return text.data();
}

std::string ip_of(const ASN1_OCTET_STRING* bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = ASN1_STRING_length(bytes) == 4 ? AF_INET : AF_INET6;
  const bool is_ip = ASN1_STRING_length(bytes) == 4 || ASN1_STRING_length(bytes) == 16;
  return is_ip && inet_ntop(family, ASN1_STRING_get0_data(bytes), text.data(), text.size()) !=
                      nullptr
             ? text.data()
             : "";
}

std::string alternative_names(X509* certificate) {
  const std::unique_ptr<GENERAL_NAMES, Deleter<GENERAL_NAMES_free>> names(
      static_cast<GENERAL_NAMES*>(
          X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::string list;
  const int count = names == nullptr ? 0 : sk_GENERAL_NAME_num(names.get());
  for (int i = 0; i < count; ++i) {
    if (i == kNamesTold) {
      return list + fmt::format(" and {} more", count - kNamesTold);
    }
    const auto* name = sk_GENERAL_NAME_value(names.get(), i);
    std::string text = name->type == GEN_DNS     ? text_of(name->d.dNSName)
                       : name->type == GEN_IPADD ? ip_of(name->d.iPAddress)
                                                 : "";
    if (!text.empty()) {
      list += (list.empty() ? "" : ", ") + text;
    }
  }
  return list.empty() ? "no name at all" : list;
}

// A certificate says what it likes, a line end too.
std::string on_one_line(std::string text) {
  for (char& c : text) {
    c = static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  }
  return text;
}

std::string explain(int error, X509* certificate, const std::string& wanted) {
  const auto* words = X509_verify_cert_error_string(error);
  if (certificate == nullptr) {
    return words;
  }
  const auto subject = name_of(X509_get_subject_name(certificate));
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return fmt::format("the certificate of \"{}\" expired on {}", subject,
                         date_of(X509_get0_notAfter(certificate)));
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return fmt::format("the certificate of \"{}\" is not valid before {}", subject,
                         date_of(X509_get0_notBefore(certificate)));
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return fmt::format("the certificate of \"{}\" is signed by an unknown authority, \"{}\"",
                         subject, name_of(X509_get_issuer_name(certificate)));
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return fmt::format("the certificate is for {}, not for {}", alternative_names(certificate),
                         wanted);
    default:
      return fmt::format("the certificate of \"{}\" is refused: {}", subject, words);
  }
}

}  // namespace

int note_verify_failure(int is_good, X509_STORE_CTX* verification) {
  if (is_good == 1) {
    return 1;
  }
  auto* ssl = static_cast<SSL*>(
      X509_STORE_CTX_get_ex_data(verification, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto& handshake = *static_cast<ClientHandshake*>(SSL_get_app_data(ssl));
  handshake.refusal =
      on_one_line(explain(X509_STORE_CTX_get_error(verification),
                          X509_STORE_CTX_get_current_cert(verification), handshake.server_name));
  return 0;
}

}  // namespace portico::tls
