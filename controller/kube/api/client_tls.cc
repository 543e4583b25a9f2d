#include "controller/kube/api/client_tls.h"

#include <algorithm>

#include <fmt/format.h>

#include "tls/client_context.h"

namespace portico::kube {

ClientTls::ClientTls(const ApiAccess& access, SteadyClock clock)
    : origin_(access.origin),
      authority_content_(access.authority),
      certificate_content_(access.user.certificate),
      key_content_(access.user.key),
      verify_(access.verify),
      authority_(access.authority, std::move(clock)) {}

std::expected<std::shared_ptr<const tls::ClientContext>, std::string> ClientTls::context(
    const Credential& credential) {
  if (const auto refreshed = authority_.refresh(); !refreshed) {
    return std::unexpected(refreshed.error());
  }
  if (context_ != nullptr && made_of_authority_ == authority_.version() &&
      made_of_certificate_ == credential.certificate_version) {
    return context_;
  }
  tls::ClientOptions options{
      .authorities_pem = authority_.bytes(), .verify = verify_, .alpn = {"http/1.1"}};
  if (!credential.certificate_pem.empty()) {
    options.certificate = std::make_shared<const routing::CertificateSpec>(routing::CertificateSpec{
        .secret = origin_, .chain_pem = credential.certificate_pem, .key_pem = credential.key_pem});
  }
  auto made = tls::ClientContext::create(options);
  if (!made) {
    // One that was replaced by something unreadable: what was there before may go on.
    return context_ != nullptr
               ? std::expected<std::shared_ptr<const tls::ClientContext>, std::string>(context_)
               : std::unexpected(blame(made.error()));
  }
  context_ = std::move(*made);
  made_of_authority_ = authority_.version();
  made_of_certificate_ = credential.certificate_version;
  return context_;
}

// ClientContext speaks of a Secret's entries.
std::string ClientTls::blame(const std::string& problem) const {
  const auto rename = [&problem](std::string_view entry, const Content& content) {
    std::string_view rest = std::string_view(problem).substr(entry.size());
    rest.remove_prefix(std::min(rest.find_first_not_of(": "), rest.size()));
    return fmt::format("{}: {}", content.named, rest);
  };
  if (problem.starts_with("ca.crt")) {
    return rename("ca.crt", authority_content_);
  }
  if (problem.starts_with("tls.crt") && certificate_content_.given()) {
    return rename("tls.crt", certificate_content_);
  }
  if (problem.starts_with("tls.key") && key_content_.given()) {
    return rename("tls.key", key_content_);
  }
  return fmt::format("{}: {}", origin_, problem);
}

}  // namespace portico::kube
