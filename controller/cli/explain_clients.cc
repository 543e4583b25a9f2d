#include "controller/cli/explain_clients.h"

#include <fmt/format.h>

namespace portico::cli {
namespace {

using routing::ClientVerification;

std::string refusal(const routing::HostTls& host) {
  return host.error_page.empty() ? "400" : "302 to " + host.error_page;
}

}  // namespace

std::string certificates_asked(const routing::HostTls& host) {
  if (!host.refused_because.empty() || host.verify == ClientVerification::kOff) {
    return {};
  }
  std::string text = host.verify == ClientVerification::kOn
                         ? fmt::format("must show a certificate (else {})", refusal(host))
                         : fmt::format("may show a certificate (a bad one: {})", refusal(host));
  text += fmt::format(", signed by {}Secret {} (depth {})",
                      host.verify == ClientVerification::kOptionalNoCa ? "anybody or by " : "",
                      host.authority_secret, host.verify_depth);
  if (!host.revocations_pem.empty()) {
    text += ", not revoked";
  }
  if (!host.subject.text().empty()) {
    text += fmt::format(", whose subject matches {} (else 403)", host.subject.text());
  }
  return text;
}

std::string answer_without_certificate(const routing::HostTls& host) {
  if (!host.refused_because.empty()) {
    return "403: " + host.refused_because;
  }
  if (host.verify == ClientVerification::kOn) {
    return refusal(host) + ": the client shows no certificate";
  }
  return host.subject.matches({}) ? std::string() : "403: the client shows no certificate";
}

}  // namespace portico::cli
