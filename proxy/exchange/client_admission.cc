#include "proxy/exchange/client_admission.h"

#include "tls/client_certificate.h"

namespace portico::exchange {
namespace {

using routing::ClientVerification;
using tls::ClientCertificate;
using Result = ClientCertificate::Result;

constexpr Admission kMisdirected{
    .status = 421, .reason = "the connection was made for another host's certificates"};

bool tolerates(ClientVerification verify, Result result) {
  switch (result) {
    case Result::kGood:
      return true;
    case Result::kNone:
      return verify != ClientVerification::kOn;
    case Result::kUnknownIssuer:
      return verify == ClientVerification::kOptionalNoCa;
    case Result::kBad:
      return false;
  }
  return false;
}

Admission judge(const routing::HostTls& host, const ClientCertificate* certificate) {
  const auto result = certificate == nullptr ? Result::kNone : certificate->result();
  if (!tolerates(host.verify, result)) {
    if (result == Result::kNone) {
      return {.status = 400,
              .reason = "the client sent no certificate",
              .message = "A client certificate is needed, and none was sent.",
              .has_page = true};
    }
    return {.status = 400,
            .reason = certificate->verdict(),
            .message = "The client certificate was not accepted.",
            .has_page = true};
  }
  return {.certificate = certificate};
}

// What the handshake asked for, if that was for this host.
Admission judge_tls(const routing::HostTls& host, const net::TlsInfo& tls) {
  const auto* certificate = tls.client_certificate;
  if (certificate != nullptr && certificate->judged_by().same_trust(host)) {
    return judge(host, certificate);
  }
  // Without a server name there was nothing to go by: no certificate, then.
  const bool may_try_again = !tls.sni.empty() || certificate != nullptr;
  return may_try_again ? kMisdirected : judge(host, nullptr);
}

}  // namespace

Admission admit_client(const routing::HostTls& host, const net::TransportInfo& connection) {
  if (!host.refused_because.empty()) {
    return {.status = 403, .reason = "the host's client certificates can't be verified"};
  }
  Admission admission;
  if (host.verify != ClientVerification::kOff) {
    admission = connection.tls == nullptr ? judge(host, nullptr) : judge_tls(host, *connection.tls);
  }
  if (admission.status != 0 || host.subject.text().empty()) {
    return admission;
  }
  const auto* certificate = admission.certificate;
  if (!host.subject.matches(certificate == nullptr ? std::string_view() : certificate->subject())) {
    return {.status = 403, .reason = "the client's certificate has another subject"};
  }
  return admission;
}

}  // namespace portico::exchange
