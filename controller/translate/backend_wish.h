// How an Ingress wants its backends to be talked to: backend-protocol and proxy-ssl-*; and how its
// requests are to be spread over their endpoints.
//
// A wish is a part of what names a backend, so that Ingresses that want the same Service port in
// different ways get different backends.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/kube/objects.h"
#include "routing/snapshot.h"

namespace portico::translate {

struct AnnotationRow;

// An annotation that says how requests are spread, as given.
struct Asked {
  const AnnotationRow* row = nullptr;
  std::string value;        // without spaces around it; the row can read it
  std::string_view prefix;  // of the annotation's name
  bool operator==(const Asked&) const = default;
};

struct BackendWish {
  enum class Protocol : std::uint8_t {
    kByService,  // the Service port's appProtocol, else HTTP
    kHttp,
    kHttps,
    kGrpc,
    kGrpcs,
    kAutoHttp,  // https for requests that came by https
  };
  Protocol protocol = Protocol::kByService;
  std::string secret;  // "namespace/name": ca.crt, tls.crt and tls.key; "" none
  bool verifies = false;
  int verify_depth = 1;
  std::string name;  // "": <service>.<namespace>.svc where one is needed
  bool sends_server_name = false;
  std::string ciphers = "DEFAULT";
  bool allows_tls12 = true;
  bool allows_tls13 = true;
  // Of a canary whose main Ingress verifies its backends: where the Service names no TLS, nothing
  // is served.
  bool refuses_plaintext = false;
  routing::BalanceSpec balance;
  bool service_upstream = false;  // the Service's own address instead of its endpoints
  std::vector<Asked> asked;       // what the last two are read from, by name; see settle()

  bool operator==(const BackendWish&) const = default;
  // Different wishes have different texts; "" asks for nothing.
  [[nodiscard]] std::string text() const;
};

// Values of annotations, read into the wish, or what they must be.
using WishResult = std::expected<void, std::string_view>;
WishResult read_backend_protocol(std::string_view value, BackendWish& wish);
WishResult read_tls_secret(std::string_view value, BackendWish& wish);
WishResult read_tls_verify(std::string_view value, BackendWish& wish);
WishResult read_tls_verify_depth(std::string_view value, BackendWish& wish);
WishResult read_tls_name(std::string_view value, BackendWish& wish);
WishResult read_tls_server_name(std::string_view value, BackendWish& wish);
WishResult read_tls_ciphers(std::string_view value, BackendWish& wish);
WishResult read_tls_protocols(std::string_view value, BackendWish& wish);

// What a backend speaks.
struct Speech {
  routing::BackendProtocol protocol = routing::BackendProtocol::kHttp1;
  bool tls = false;
  bool tls_like_client = false;
};
// `app_protocol` is the Service port's; names that are not known mean HTTP.
Speech resolve_speech(BackendWish::Protocol wish, std::string_view app_protocol);

// The TLS that a wish amounts to, or why it can't be had: one sentence. `secret` is the one it
// names; null where there is none. `default_name` is used where a name is needed and none is given.
std::expected<std::shared_ptr<const routing::UpstreamTlsSpec>, std::string> resolve_tls(
    const BackendWish& wish, routing::BackendProtocol protocol, const kube::Secret* secret,
    std::string_view default_name);

}  // namespace portico::translate
