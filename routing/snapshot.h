// What should be served, as plain data: the controller's output and the proxy's input.
//
// Versions share what did not change: equal pointers mean equal values, so that the cost of
// compiling a new version follows the change and not the size of the cluster.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "routing/balance_spec.h"
#include "routing/host_tls.h"
#include "routing/hostname.h"
#include "routing/object_ref.h"
#include "routing/policy.h"
#include "routing/settings.h"
#include "routing/shared_map.h"

namespace portico::routing {

enum class PathKind : std::uint8_t {
  kExact,
  kPrefix,        // by whole segments
  kStringPrefix,  // ImplementationSpecific: by bytes, as ingress-nginx does
};

struct CanarySpec;

// One rule's path with where it leads.
struct RouteSpec {
  PathKind kind = PathKind::kPrefix;
  std::string path;  // begins with '/', as written, already checked
  std::string
      backend;  // key in Snapshot::backends; the backend may have no endpoint or be marked missing
  std::shared_ptr<const Policy> policy;
  ObjectRef origin;
  std::int64_t created_unix_seconds = 0;  // the origin's creationTimestamp; older wins a conflict
  std::string field;                      // spec.rules[0].http.paths[1]
  // Takes a part of the requests; null: none. See canary.h.
  std::shared_ptr<const CanarySpec> canary;
};

// All rules of one host, in no order; match_rank puts them in order.
struct HostSpec {
  Hostname host;
  bool has_certificate = false;  // a certificate is configured for this host: ssl_redirect applies
  bool ssl_passthrough = false;  // TLS connections go to the backend of its "/", unopened
  std::shared_ptr<const HostTls> tls;  // null: nothing of its own
  std::vector<std::shared_ptr<const RouteSpec>> routes;
};

enum class AddressFamily : std::uint8_t { kIpv4, kIpv6 };

// One address of a backend.
struct EndpointSpec {
  std::string address;  // textual IPv4 or IPv6, without brackets
  std::uint16_t port = 0;
  std::string pod;           // "namespace/name", for logs; may be empty
  std::uint32_t weight = 1;  // its share beside the others'; from 1 to 1,000
  bool is_far = false;       // only for want of a near one
  auto operator<=>(const EndpointSpec&) const = default;
};

// A certificate with its key, as bytes; tls/ parses it.
struct CertificateSpec {
  std::string secret;     // "namespace/name"
  std::string chain_pem;  // leaf first
  std::string key_pem;
  std::string ocsp_response;  // DER: what its authority says of it; empty: nothing is stapled
  bool operator==(const CertificateSpec&) const = default;
};

enum class BackendProtocol : std::uint8_t {
  kHttp1,
  kHttp2,  // by prior knowledge, or by ALPN under TLS
};

// How TLS is spoken to a backend.
struct UpstreamTlsSpec {
  std::string authorities_pem;                         // whom to trust; only where it verifies
  std::shared_ptr<const CertificateSpec> certificate;  // shown where it is asked for; null: none
  bool verifies = false;
  int verify_depth = 1;  // certificates between the backend's and one that is trusted
  std::string name;  // that the backend's certificate must bear; may be empty unless it verifies
  bool sends_server_name = false;  // the name is also sent (SNI)
  bool allows_tls12 = true;
  bool allows_tls13 = true;
  std::string ciphers = "DEFAULT";  // of TLS 1.2, as OpenSSL writes them
  bool operator==(const UpstreamTlsSpec& other) const;
};

// A Service port as a set of endpoints, and how to talk to them.
struct BackendSpec {
  // "namespace/service:port" as rules name it; behind a '#' how it is talked to, where an Ingress
  // says so.
  std::string key;
  std::string namespace_;
  std::string service;
  std::string port;                     // name or number, as the rule wrote it
  std::vector<EndpointSpec> endpoints;  // ready ones, without duplicates; sorted, near ones first
  // Not empty: Service or port is missing. The rule keeps its match and answers 503.
  std::string missing_because;
  // Not empty: it may only be talked to in a way that can't be honoured, so the rule answers 503
  // (fail closed).
  std::string denied_because;
  BackendProtocol protocol = BackendProtocol::kHttp1;
  std::shared_ptr<const UpstreamTlsSpec> tls;  // null: plaintext
  bool tls_like_client = false;                // TLS only for requests that came by it
  std::shared_ptr<const BalanceSpec> balance;  // null: nothing is asked for
  bool operator==(const BackendSpec& other) const;

  // The key as people know it: without the way it is talked to.
  static std::string_view name_of(std::string_view key) { return key.substr(0, key.find('#')); }
};

struct Snapshot {
  std::uint64_t generation = 0;
  SharedMap<HostSpec> hosts;        // by Hostname::text(); "" holds the rules without a host
  SharedMap<BackendSpec> backends;  // by BackendSpec::key
  SharedMap<CertificateSpec> certificates;  // by server name: "a.example.com", "*.example.com"
  std::shared_ptr<const CertificateSpec>
      default_certificate;  // null: the self-signed one made at start
  // Serves what no rule matches; null: 404.
  std::shared_ptr<const RouteSpec> default_route;
  std::shared_ptr<const Settings> settings = std::make_shared<const Settings>();  // never null
};

}  // namespace portico::routing
