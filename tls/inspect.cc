#include "tls/inspect.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <utility>

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <fmt/chrono.h>
#include <openssl/x509v3.h>

#include "tls/pem.h"
#include "tls/staple.h"

namespace portico::tls {
namespace {

std::string text_of(const ASN1_STRING* string) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
          static_cast<std::size_t>(ASN1_STRING_length(string))};
}

std::vector<std::string> alternative_names(const X509* certificate) {
  std::vector<std::string> names;
  auto* all = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(all); ++i) {
    const auto* name = sk_GENERAL_NAME_value(all, i);
    if (name->type == GEN_DNS) {
      names.push_back(text_of(name->d.dNSName));
      absl::AsciiStrToLower(&names.back());
    }
  }
  GENERAL_NAMES_free(all);
  return names;
}

std::vector<std::string> common_names(const X509* certificate) {
  std::vector<std::string> names;
  const auto* subject = X509_get_subject_name(certificate);
  const int last = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (last >= 0) {
    names.push_back(text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, last))));
    absl::AsciiStrToLower(&names.back());
  }
  return names;
}

std::int64_t unix_seconds(const ASN1_TIME* time) {
  std::tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? timegm(&parts) : 0;
}

std::string date(std::int64_t unix_seconds) {
  return fmt::format("{:%Y-%m-%d}", fmt::gmtime(static_cast<std::time_t>(unix_seconds)));
}

bool name_covers(std::string_view name, std::string_view hostname) {
  if (absl::EqualsIgnoreCase({name.data(), name.size()}, {hostname.data(), hostname.size()})) {
    return true;
  }
  const auto dot = hostname.find('.');
  return name.starts_with("*.") && dot != std::string_view::npos && dot > 0 && hostname[0] != '*' &&
         name_covers(name.substr(1), hostname.substr(dot));
}

}  // namespace

std::expected<CertificateFacts, std::string> inspect(const routing::CertificateSpec& spec) {
  const auto parsed = parse_certificate(spec);
  if (!parsed) {
    return std::unexpected(parsed.error());
  }
  const auto* leaf = parsed->leaf.get();
  CertificateFacts facts{
      .names = alternative_names(leaf),
      .not_before_unix_seconds = unix_seconds(X509_get0_notBefore(leaf)),
      .not_after_unix_seconds = unix_seconds(X509_get0_notAfter(leaf)),
      .chain_length = static_cast<std::size_t>(sk_X509_num(parsed->chain.get())) + 1,
      .key = key_kind(*parsed->key)};
  const auto staple = read_staple(spec.ocsp_response, *parsed->leaf, *parsed->chain.get());
  facts.staple_problem = staple ? "" : staple.error();
  facts.staple_until_unix_seconds = staple ? staple->until_unix_seconds : 0;
  if (facts.names.empty()) {
    facts.names = common_names(leaf);
    facts.names_from_common_name = !facts.names.empty();
  }
  return facts;
}

std::optional<std::string> validity_problem(const CertificateFacts& facts,
                                            std::int64_t now_unix_seconds) {
  if (now_unix_seconds > facts.not_after_unix_seconds) {
    return "the certificate expired on " + date(facts.not_after_unix_seconds);
  }
  if (now_unix_seconds < facts.not_before_unix_seconds) {
    return "the certificate is not valid before " + date(facts.not_before_unix_seconds);
  }
  return std::nullopt;
}

std::optional<std::string> staple_validity_problem(const CertificateFacts& facts,
                                                   std::int64_t now_unix_seconds) {
  constexpr std::int64_t kSoon = 24 * 60 * 60;
  const auto until = facts.staple_until_unix_seconds;
  if (until == 0 || now_unix_seconds < until - kSoon) {
    return std::nullopt;
  }
  return (now_unix_seconds > until ? "tls.ocsp expired on " : "tls.ocsp expires on ") + date(until);
}

bool covers(const CertificateFacts& facts, std::string_view hostname) {
  return std::ranges::any_of(facts.names,
                             [&](const auto& name) { return name_covers(name, hostname); });
}

}  // namespace portico::tls
