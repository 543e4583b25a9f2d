#include <array>

#include "controller/translate/affinity_values.h"
#include "controller/translate/annotation_values.h"
#include "controller/translate/annotations.h"
#include "controller/translate/balance_values.h"
#include "controller/translate/circuit_values.h"
#include "controller/translate/client_address_reading.h"
#include "controller/translate/health_check_values.h"
#include "controller/translate/retry_reading.h"
#include "controller/translate/tls_values.h"

namespace portico::translate {
namespace {

using Circuit = routing::CircuitSpec;
using routing::Policy;

template <auto Field, auto Read>
std::expected<void, std::string_view> read_into(std::string_view value, Policy& policy) {
  const auto parsed = Read(value);
  if (!parsed) {
    return std::unexpected(parsed.error());
  }
  policy.*Field = *parsed;
  return {};
}

constexpr AnnotationRow served(std::string_view name, ReadValue read, std::string_view field,
                               std::string_view default_value, std::string_view meaning) {
  return {name,  Support::kServed, Scope::kPath, Guard::kNo, read,
          field, default_value,    meaning,      {}};
}

constexpr AnnotationRow whole_host(std::string_view name, ReadValue read, std::string_view field,
                                   std::string_view default_value, std::string_view meaning) {
  return {name,  Support::kServed, Scope::kHost, Guard::kNo, read,
          field, default_value,    meaning,      {}};
}

constexpr AnnotationRow host_tls(std::string_view name, ReadHostTls read,
                                 std::string_view default_value, std::string_view meaning) {
  return {.name = name,
          .support = Support::kServed,
          .scope = Scope::kHost,
          .guards_access = name.starts_with("auth-") ? Guard::kYes : Guard::kNo,
          .default_value = default_value,
          .meaning = meaning,
          .read_tls = read};
}

// Also a key of the ConfigMap, whose value is read into the Policy.
constexpr AnnotationRow to_service(std::string_view name, ReadValue read, ReadWish read_wish,
                                   std::string_view field, std::string_view default_value,
                                   std::string_view meaning) {
  auto row = served(name, read, field, default_value, meaning);
  row.read_wish = read_wish;
  row.for_services = true;
  return row;
}

// How a backend is talked to.
constexpr AnnotationRow speech(std::string_view name, Scope scope, ReadWish read, Guard guards,
                               std::string_view default_value, std::string_view meaning) {
  return {.name = name,
          .support = Support::kServed,
          .scope = scope,
          .guards_access = guards,
          .default_value = default_value,
          .meaning = meaning,
          .read_wish = read};
}

// How requests are spread over a backend's endpoints: Services may say it, too.
constexpr AnnotationRow wish(std::string_view name, Scope scope, ReadWish read, Guard guards,
                             std::string_view default_value, std::string_view meaning) {
  auto row = speech(name, scope, read, guards, default_value, meaning);
  row.for_services = true;
  return row;
}

constexpr AnnotationRow of_affinity(std::string_view name, ReadWish read,
                                    std::string_view default_value, std::string_view meaning) {
  auto row = wish(name, Scope::kIngress, read, Guard::kNo, default_value, meaning);
  row.needs = "affinity: cookie";
  row.in_force = [](const routing::BalanceSpec& balance) { return balance.affinity.has_value(); };
  return row;
}

constexpr AnnotationRow of_health_check(std::string_view name, ReadWish read,
                                        std::string_view default_value, std::string_view meaning) {
  auto row = wish(name, Scope::kIngress, read, Guard::kNo, default_value, meaning);
  row.needs = "health-check";
  row.in_force = [](const routing::BalanceSpec& balance) {
    return balance.health_check.has_value();
  };
  return row;
}

constexpr AnnotationRow of_canary(std::string_view name, ReadCanary read,
                                  std::string_view default_value, std::string_view meaning,
                                  std::string_view harmless = {}) {
  return {.name = name,
          .support = Support::kServed,
          .scope = Scope::kIngress,
          .default_value = default_value,
          .meaning = meaning,
          .harmless = harmless,
          .read_canary = read};
}

constexpr AnnotationRow later(std::string_view name, Scope scope, std::string_view meaning,
                              std::string_view harmless = {}) {
  return {name, Support::kNotYet, scope, Guard::kNo, nullptr, {}, {}, meaning, harmless};
}

constexpr AnnotationRow guard(std::string_view name, Scope scope, std::string_view meaning,
                              std::string_view harmless = {}) {
  return {name, Support::kNotYet, scope, Guard::kYes, nullptr, {}, {}, meaning, harmless};
}

constexpr AnnotationRow never(std::string_view name, Scope scope, std::string_view meaning,
                              Guard guards = Guard::kNo, std::string_view harmless = {}) {
  return {name, Support::kNever, scope, guards, nullptr, {}, {}, meaning, harmless};
}

constexpr AnnotationRow removed(std::string_view name, std::string_view meaning) {
  return {name, Support::kRemoved, Scope::kIngress, Guard::kNo, nullptr, {}, {}, meaning, {}};
}

using enum Scope;

// cert-manager's solver Ingresses carry exactly this.
constexpr std::string_view kEverybody = "0.0.0.0/0,::/0";
constexpr std::string_view kGoneTracing = "ingress-nginx has dropped OpenTracing";
constexpr std::string_view kGoneGlobalLimit = "ingress-nginx has dropped the global rate limit";
constexpr std::string_view kGoneWaf =
    "ingress-nginx has dropped this firewall; requests are NOT inspected";
constexpr std::string_view kNoWaf = "requests are NOT inspected: Portico has no ModSecurity";

// In the groups of ingress-nginx's documentation.
constexpr auto kTable = std::to_array<AnnotationRow>({
    // Routing
    later("rewrite-target", kIngress,
          "the path that is sent to the backend instead of the request's"),
    later("use-regex", kHost, "paths are regular expressions", "false"),
    later("app-root", kHost, "where a request for / is redirected to"),
    later("server-alias", kHost, "further names of the host"),
    later("from-to-www-redirect", kHost, "redirects between the host with and without www.",
          "false"),
    later("permanent-redirect", kPath, "answers with a redirect (301) to this URL"),
    later("permanent-redirect-code", kPath, "the status of permanent-redirect"),
    later("temporal-redirect", kPath, "answers with a redirect (302) to this URL"),
    later("temporal-redirect-code", kPath, "the status of temporal-redirect"),
    later("relative-redirects", kPath, "redirects name only the path", "false"),
    later("use-port-in-redirects", kPath, "redirects name the port", "false"),
    later("preserve-trailing-slash", kPath, "redirects keep the path's last slash", "false"),
    later("x-forwarded-prefix", kPath, "the X-Forwarded-Prefix header of rewritten requests"),
    later("upstream-vhost", kPath, "the Host header that the backend gets"),
    later("default-backend", kPath, "the Service that answers where the backend has no endpoint"),
    later("custom-http-errors", kPath, "statuses that the default backend answers instead"),
    later("disable-proxy-intercept-errors", kPath, "turns custom-http-errors off", "false"),
    later("custom-headers", kPath, "a ConfigMap of headers added to answers"),
    guard("satisfy", kPath, "whether one or all of the access rules must be met"),
    // TLS towards clients
    served("ssl-redirect", read_into<&Policy::ssl_redirect, read_bool>, "ssl_redirect", "true",
           "redirects http to https (308) where the host has a certificate"),
    served("force-ssl-redirect", read_into<&Policy::force_ssl_redirect, read_bool>,
           "force_ssl_redirect", "false",
           "redirects http to https (308) even where the host has no certificate"),
    whole_host(
        "ssl-passthrough", read_into<&Policy::ssl_passthrough, read_bool>, "ssl_passthrough",
        "false",
        "hands the host's TLS connections to the backend of its `/` unopened, by their server "
        "name; needs `--enable-ssl-passthrough`"),
    host_tls("ssl-ciphers", read_host_ciphers, "",
             "the TLS 1.2 cipher suites of the host, instead of the controller's"),
    host_tls("ssl-prefer-server-ciphers", read_prefer_server_ciphers, "true",
             "the server's order of cipher suites counts"),
    host_tls("auth-tls-secret", read_authority_secret, "",
             "the Secret whose `ca.crt` has signed clients' certificates, and whose `ca.crl` (if "
             "any) revokes them; without a usable one the host answers 403"),
    host_tls("auth-tls-verify-client", read_client_verification, "on",
             "`on` demands a good certificate (else 400), `optional` a good one or none, "
             "`optional_no_ca` also one of an unknown authority; `off` asks for none"),
    host_tls("auth-tls-verify-depth", read_verify_depth, "1",
             "how many authorities may stand between a certificate and its root"),
    host_tls("auth-tls-error-page", read_error_page, "",
             "the URL that clients are redirected to (302) instead of being answered 400"),
    host_tls("auth-tls-match-cn", read_subject, "",
             "a regular expression, beginning with `CN=`, that must be found in the subject of the "
             "client's certificate (else 403)"),
    host_tls("auth-tls-pass-certificate-to-upstream", read_pass_certificate, "false",
             "sends the client's certificate to the backend, as `ssl-client-cert`"),
    // TLS towards backends
    speech("backend-protocol", kPath, read_backend_protocol, Guard::kNo, "by the Service",
           "what the backend speaks: HTTP, HTTPS, GRPC, GRPCS (HTTP/2), or AUTO_HTTP (https for "
           "requests that came by https); without it the Service port's appProtocol counts"),
    speech("proxy-ssl-secret", kIngress, read_tls_secret, Guard::kYes, "none",
           "`namespace/name` of a Secret in the Ingress's namespace: whom to trust (`ca.crt`) and "
           "what the backend is shown (`tls.crt`, `tls.key`)"),
    speech(
        "proxy-ssl-verify", kIngress, read_tls_verify, Guard::kYes, "off",
        "verifies the backend's certificate against `ca.crt`; without one the routes answer 503"),
    speech("proxy-ssl-verify-depth", kIngress, read_tls_verify_depth, Guard::kYes, "1",
           "certificates that may stand between the backend's and one of `ca.crt`"),
    speech("proxy-ssl-name", kIngress, read_tls_name, Guard::kYes, "<service>.<namespace>.svc",
           "the name that the backend's certificate must have, where it is verified"),
    speech("proxy-ssl-server-name", kIngress, read_tls_server_name, Guard::kNo, "off",
           "sends proxy-ssl-name to the backend (SNI)"),
    speech("proxy-ssl-ciphers", kIngress, read_tls_ciphers, Guard::kYes, "DEFAULT",
           "TLS 1.2 cipher suites towards the backend, as OpenSSL lists them"),
    speech("proxy-ssl-protocols", kIngress, read_tls_protocols, Guard::kYes, "TLSv1.2 TLSv1.3",
           "TLS versions towards the backend; older ones are not spoken"),
    // Authentication
    guard("auth-type", kPath, "basic or digest authentication"),
    guard("auth-secret", kPath, "the Secret with users and passwords"),
    guard("auth-secret-type", kPath, "how the Secret is laid out: auth-file or auth-map"),
    guard("auth-realm", kPath, "the realm that clients are shown"),
    guard("auth-url", kPath, "the URL that is asked whether a request may pass"),
    guard("auth-signin", kPath, "where clients that may not pass are redirected to"),
    guard("auth-signin-redirect-param", kPath,
          "the parameter of auth-signin that names the way back"),
    guard("auth-method", kPath, "the method of the question to auth-url"),
    guard("auth-response-headers", kPath, "headers of auth-url's answer that go on to the backend"),
    guard("auth-request-redirect", kPath, "the X-Auth-Request-Redirect header sent to auth-url"),
    guard("auth-proxy-set-headers", kPath, "a ConfigMap of headers sent to auth-url"),
    guard("auth-always-set-cookie", kPath, "hands on auth-url's cookies whatever the status"),
    guard("auth-cache-key", kPath, "what answers of auth-url are remembered by"),
    guard("auth-cache-duration", kPath, "how long answers of auth-url are remembered"),
    guard("auth-keepalive", kPath, "connections to auth-url that are kept"),
    guard("auth-keepalive-requests", kPath, "requests on one connection to auth-url"),
    guard("auth-keepalive-timeout", kPath, "how long an idle connection to auth-url is kept"),
    guard("auth-keepalive-share-vars", kPath,
          "auth-url's question shares nginx variables with the request"),
    guard("enable-global-auth", kPath, "whether the global auth-url applies"),
    // Addresses and rates
    guard("allowlist-source-range", kPath, "client addresses that may pass", kEverybody),
    guard("whitelist-source-range", kPath, "the old name of allowlist-source-range", kEverybody),
    guard("denylist-source-range", kPath, "client addresses that may not pass"),
    later("limit-rps", kIngress, "requests a second of one client"),
    later("limit-rpm", kIngress, "requests a minute of one client"),
    later("limit-connections", kIngress, "open requests of one client"),
    later("limit-burst-multiplier", kIngress, "how far a burst may exceed limit-rps and limit-rpm"),
    later("limit-rate", kPath, "kilobytes a second of one answer"),
    later("limit-rate-after", kPath, "kilobytes of an answer before limit-rate applies"),
    later("limit-allowlist", kIngress, "client addresses that no limit applies to"),
    later("limit-whitelist", kIngress, "the old name of limit-allowlist"),
    // Canary
    of_canary(
        "canary", read_canary, "false",
        "this Ingress's backends serve a part of the requests of another Ingress's rules with "
        "the same host, path and path type; it serves nothing else"),
    of_canary("canary-by-header", read_canary_header, "none",
              "the header that decides: `always` leads to the canary, `never` does not, any other "
              "value leaves it to canary-by-cookie and canary-weight"),
    of_canary("canary-by-header-value", read_canary_header_value, "none",
              "the one value of that header that leads to the canary, instead of `always`"),
    of_canary("canary-by-header-pattern", read_canary_header_pattern, "none",
              "a regular expression (RE2) that leads to the canary where it is found in that "
              "header; canary-by-header-value comes before it"),
    of_canary("canary-by-cookie", read_canary_cookie, "none",
              "the cookie that decides: `always` and `never`, as canary-by-header"),
    of_canary("canary-weight", read_canary_weight, "0",
              "how many of canary-weight-total requests go to the canary, by lot"),
    of_canary("canary-weight-total", read_canary_weight_total, "100",
              "what canary-weight is a share of; at least 100"),
    // Affinity and balancing
    wish("affinity", kIngress, read_affinity, Guard::kNo, "none",
         "`cookie` keeps a client at one endpoint, by a cookie that any replica honours; it comes "
         "before upstream-hash-by and load-balance"),
    of_affinity(
        "affinity-mode", read_affinity_mode, "balanced",
        "`balanced` moves a share of the clients when endpoints come, `persistent` none while "
        "their endpoint is there"),
    of_canary(
        "affinity-canary-behavior", read_affinity_canary_behavior, "sticky",
        "on a canary: `sticky` keeps clients with an affinity cookie where they are, `legacy` "
        "decides about each request anew",
        "sticky"),
    of_affinity("session-cookie-name", read_cookie_name, "INGRESSCOOKIE",
                "the affinity cookie's name"),
    of_affinity("session-cookie-path", read_cookie_path, "the rule's path",
                "the affinity cookie's Path"),
    of_affinity("session-cookie-domain", read_cookie_domain, "none",
                "the affinity cookie's Domain"),
    of_affinity("session-cookie-samesite", read_cookie_same_site, "none is sent",
                "the affinity cookie's SameSite: None, Lax or Strict"),
    of_affinity("session-cookie-conditional-samesite-none", read_cookie_conditional_same_site_none,
                "false", "leaves SameSite=None out for old browsers that misread it"),
    of_affinity("session-cookie-secure", read_cookie_secure, "false",
                "the affinity cookie is always Secure, not only for requests that came by https"),
    of_affinity("session-cookie-partitioned", read_cookie_partitioned, "false",
                "the affinity cookie is Partitioned"),
    of_affinity("session-cookie-expires", read_cookie_expires, "none is sent",
                "the affinity cookie's Expires, in seconds from now"),
    of_affinity("session-cookie-max-age", read_cookie_max_age, "none is sent",
                "the affinity cookie's Max-Age, in seconds"),
    of_affinity(
        "session-cookie-change-on-failure", read_cookie_change_on_failure, "false",
        "a client whose endpoint failed gets a cookie of another; else it returns to its own"),
    wish("load-balance", kIngress, read_load_balance, Guard::kNo, "the ConfigMap's (round_robin)",
         "`round_robin`, `ewma`; Portico's own: `least_requests`, `random`"),
    wish("upstream-hash-by", kIngress, read_hash_by, Guard::kNo, "none",
         "what chooses the endpoint by consistent hashing: a text with variables as "
         "`$remote_addr`, `$request_uri`, `$http_x_user`, `${cookie_cart}`, `$arg_tenant`; a "
         "request that has none of them goes by load-balance"),
    wish("upstream-hash-by-subset", kIngress, read_hash_subset, Guard::kNo, "false",
         "hashing chooses a few endpoints, chance one of them"),
    wish("upstream-hash-by-subset-size", kIngress, read_hash_subset_size, Guard::kNo, "3",
         "how many those are, up to 64"),
    to_service(
        "service-upstream", read_into<&Policy::service_upstream, read_bool>, read_service_upstream,
        "service_upstream", "false",
        "sends to the Service's cluster IP instead of its endpoints, which are then unknown: no "
        "balancing, affinity or ejection here"),
    served("outlier-ejection", read_into<&Policy::outlier_ejection, read_on_off>,
           "outlier_ejection", "on",
           "Portico's own: endpoints that fail several times in a row are left alone for a while; "
           "`off`: never"),
    served("outlier-success-rate", read_into<&Policy::outlier_success_rate, read_on_off>,
           "outlier_success_rate", "on",
           "Portico's own: so are endpoints that fail far more of their requests than the others "
           "do; `off`: these requests are not counted"),
    served("outlier-consecutive-5xx", read_into<&Policy::consecutive_5xx, read_small_count>,
           "consecutive_5xx", "0",
           "Portico's own: as many 5xx of any kind in a row eject an endpoint too (up to 255); 0: "
           "only 502, 503 and 504 count"),
    wish("slow-start", kIngress, read_slow_start, Guard::kNo, "the ConfigMap's (off)",
         "Portico's own: for so many seconds (up to 900) an endpoint that is new, or back, gets "
         "less than its share, a tenth at first; not where hashing or affinity chooses"),
    wish("panic-threshold", kIngress, read_panic_threshold, Guard::kNo, "the ConfigMap's (0)",
         "Portico's own: where fewer percent of the endpoints than this serve, all are tried as if "
         "none were ejected; 0: only where none serves"),
    wish(
        "health-check", kIngress, read_health_check, Guard::kNo, "off",
        "Portico's own: endpoints are asked whether they are well, and stepped over while they are "
        "not: `http` (GET), `tcp` (a connection, and the TLS handshake where TLS is spoken), "
        "`grpc` (grpc.health.v1.Health)"),
    of_health_check("health-check-path", read_health_check_path, "/",
                    "Portico's own: what `http` asks for"),
    of_health_check("health-check-host", read_health_check_host, "the endpoint's address",
                    "Portico's own: the check's Host or :authority"),
    of_health_check("health-check-port", read_health_check_port, "the endpoint's",
                    "Portico's own: the port that is asked"),
    of_health_check("health-check-statuses", read_health_check_statuses, "200-399",
                    "Portico's own: the statuses of `http` that are good, as `200-299,404`"),
    of_health_check(
        "health-check-grpc-service", read_health_check_grpc_service, "none",
        "Portico's own: the service that `grpc` asks about; else the server as a whole"),
    of_health_check("health-check-interval", read_health_check_interval, "5",
                    "Portico's own: seconds from one check to the next, from 0.1 on"),
    of_health_check("health-check-timeout", read_health_check_timeout, "2",
                    "Portico's own: seconds after which a check has failed, at most 10 and at most "
                    "health-check-interval"),
    of_health_check(
        "health-check-unhealthy-after", read_health_check_unhealthy_after, "3",
        "Portico's own: failed checks in a row after which an endpoint gets nothing more"),
    of_health_check("health-check-healthy-after", read_health_check_healthy_after, "2",
                    "Portico's own: good checks in a row after which it serves again"),
    wish("circuit-max-connections", kIngress,
         read_circuit<&Circuit::max_connections, read_circuit_limit>, Guard::kNo,
         "the ConfigMap's (0)",
         "Portico's own: connections to the backend's endpoints, all workers together; 0: no "
         "limit"),
    wish("circuit-max-requests", kIngress, read_circuit<&Circuit::max_requests, read_circuit_limit>,
         Guard::kNo, "the ConfigMap's (0)",
         "Portico's own: requests under way; what is beyond it waits or is answered 503; 0: no "
         "limit"),
    wish("circuit-max-pending", kIngress, read_circuit<&Circuit::max_pending, read_circuit_limit>,
         Guard::kNo, "the ConfigMap's (0)",
         "Portico's own: requests that wait, where circuit-queue-timeout lets them; 0: 1024"),
    wish("circuit-max-retries", kIngress, read_circuit<&Circuit::max_retries, read_circuit_limit>,
         Guard::kNo, "the ConfigMap's (0)",
         "Portico's own: requests under way that are tried again; 0: no limit"),
    wish("circuit-queue-timeout", kIngress,
         read_circuit<&Circuit::queue_timeout, read_queue_timeout>, Guard::kNo,
         "the ConfigMap's (0)",
         "Portico's own: seconds that a request may wait where circuit-max-requests or "
         "circuit-max-connections are reached; 0: it is answered 503 at once"),
    wish("adaptive-concurrency", kIngress, read_circuit<&Circuit::adaptive, read_on_off>,
         Guard::kNo, "the ConfigMap's (off)",
         "Portico's own: `on` limits the requests under way to as many as the backend answers "
         "without keeping them waiting, by their latency; circuit-max-requests is the most that "
         "this may be"),
    // Proxying
    served(
        "proxy-body-size", read_into<&Policy::max_body_bytes, read_size>, "max_body_bytes", "1m",
        "the largest request body (else 413); k, m or g may follow the number, 0 means no limit"),
    later("client-body-buffer-size", kPath,
          "the request body kept in memory before a file is used"),
    served("proxy-connect-timeout", read_into<&Policy::connect_timeout, read_seconds>,
           "connect_timeout", "5", "seconds until a connection to the backend must stand"),
    served("proxy-send-timeout", read_into<&Policy::send_timeout, read_seconds>, "send_timeout",
           "60", "seconds between two successful writes to the backend"),
    served("proxy-read-timeout", read_into<&Policy::read_timeout, read_seconds>, "read_timeout",
           "60", "seconds between two successful reads from the backend"),
    served("request-timeout", read_into<&Policy::request_timeout, read_seconds_or_none>,
           "request_timeout", "0",
           "Portico's own: seconds from a request's head to its answer's end, its tries and its "
           "waiting included; then 504, or the answer is cut; 0: no limit"),
    served(
        "backend-proxy-protocol",
        read_into<&Policy::backend_proxy_protocol, read_backend_proxy_protocol>,
        "backend_proxy_protocol", "off",
        "Portico's own: connections to the backend begin with a PROXY header (`v1` or `v2`) that "
        "names the client, and serve one request each"),
    served("proxy-next-upstream", read_next_upstream, "retries.on", "error timeout",
           "after what a request is tried at another endpoint: `error`, `timeout`, "
           "`invalid_header`, `http_500`, `http_502`, `http_503`, `http_504`, `http_403`, "
           "`http_404`, `http_429`; with `non_idempotent` whatever its method; `off`: never"),
    served("proxy-next-upstream-timeout", read_next_upstream_timeout, "retries.timeout", "0",
           "seconds after which no further try begins; 0: no limit"),
    served("proxy-next-upstream-tries", read_next_upstream_tries, "retries.tries", "3",
           "tries of a request, the first one included; 0: as many as there are endpoints"),
    later("proxy-request-buffering", kPath,
          "reads the whole request body before the backend is asked", "off"),
    later("proxy-buffering", kPath, "reads ahead of the client from the backend", "off"),
    later("proxy-buffer-size", kPath, "the buffer of an answer's head"),
    later("proxy-buffers-number", kPath, "how many buffers an answer may take"),
    later("proxy-busy-buffers-size", kPath, "buffers that may be waiting for the client"),
    never("proxy-max-temp-file-size", kPath, "Portico writes no answer to a file", Guard::kNo, "0"),
    later("proxy-http-version", kPath, "the HTTP version towards the backend", "1.1"),
    later("proxy-cookie-domain", kPath, "changes the Domain of the backend's cookies"),
    later("proxy-cookie-path", kPath, "changes the Path of the backend's cookies"),
    later("proxy-redirect-from", kPath, "what is replaced in the backend's Location headers",
          "off"),
    later("proxy-redirect-to", kPath, "what it is replaced by"),
    later("connection-proxy-header", kPath, "the Connection header that the backend gets"),
    never("http2-push-preload", kPath, "browsers have dropped HTTP/2 push", Guard::kNo, "false"),
    never("fastcgi-index", kPath, "Portico speaks no FastCGI"),
    never("fastcgi-params-configmap", kPath, "Portico speaks no FastCGI"),
    // CORS
    later("enable-cors", kIngress, "answers preflight requests and adds CORS headers", "false"),
    later("cors-allow-origin", kIngress, "origins that may read answers"),
    later("cors-allow-methods", kIngress, "methods that scripts may use"),
    later("cors-allow-headers", kIngress, "headers that scripts may send"),
    later("cors-expose-headers", kIngress, "headers that scripts may read"),
    later("cors-allow-credentials", kIngress, "scripts may send cookies"),
    later("cors-max-age", kIngress, "seconds for which a preflight answer holds"),
    // Mirror
    later("mirror-target", kIngress, "a second place that requests are copied to"),
    later("mirror-host", kIngress, "the Host header of the copies"),
    later("mirror-request-body", kIngress, "whether bodies are copied"),
    // Logs, traces, firewall
    later("enable-access-log", kPath, "whether requests are logged", "true"),
    never("enable-rewrite-log", kPath, "nginx's rewrite module has no counterpart", Guard::kNo,
          "false"),
    later("enable-opentelemetry", kPath, "whether requests are traced", "false"),
    later("opentelemetry-trust-incoming-span", kPath, "continues the client's trace"),
    later("opentelemetry-operation-name", kPath, "the name of the span"),
    never("enable-modsecurity", kIngress, kNoWaf, Guard::kNo, "false"),
    never("enable-owasp-core-rules", kIngress, kNoWaf, Guard::kNo, "false"),
    never("modsecurity-transaction-id", kIngress, kNoWaf),
    never("modsecurity-snippet", kIngress, kNoWaf),
    // nginx text
    never("configuration-snippet", kPath, "nginx configuration text is never executed",
          Guard::kByValue),
    never("server-snippet", kHost, "nginx configuration text is never executed", Guard::kByValue),
    never("stream-snippet", kIngress, "nginx configuration text is never executed",
          Guard::kByValue),
    never("auth-snippet", kPath, "nginx configuration text is never executed", Guard::kYes),
    // Dropped by ingress-nginx
    removed("secure-backends", "ingress-nginx has replaced it by backend-protocol: \"HTTPS\""),
    removed("grpc-backend", "ingress-nginx has replaced it by backend-protocol: \"GRPC\""),
    removed("add-base-url",
            "ingress-nginx has dropped it; the application must know its own base URL"),
    removed("base-url-scheme",
            "ingress-nginx has dropped it; the application must know its own base URL"),
    removed("session-cookie-hash", "ingress-nginx has dropped it; nothing replaces it"),
    removed("enable-opentracing", kGoneTracing),
    removed("opentracing-trust-incoming-span", kGoneTracing),
    removed("opentracing-operation-name", kGoneTracing),
    removed("global-rate-limit", kGoneGlobalLimit),
    removed("global-rate-limit-window", kGoneGlobalLimit),
    removed("global-rate-limit-key", kGoneGlobalLimit),
    removed("global-rate-limit-ignored-cidrs", kGoneGlobalLimit),
    removed("lua-resty-waf", kGoneWaf),
    removed("lua-resty-waf-debug", kGoneWaf),
    removed("lua-resty-waf-ignore-rulesets", kGoneWaf),
    removed("lua-resty-waf-extra-rules", kGoneWaf),
    removed("lua-resty-waf-allow-unknown-content-types", kGoneWaf),
    removed("lua-resty-waf-score-threshold", kGoneWaf),
    removed("lua-resty-waf-process-multipart-body", kGoneWaf),
    // Often written, never read by anything
    removed("enable-websockets", "no such annotation ever existed; WebSockets need none"),
    removed("websocket-services", "it belongs to another controller; WebSockets need none"),
    removed("server-snippets",
            "no such annotation ever existed; server-snippet is the near one, and is not executed"),
    removed("rate-limit",
            "no such annotation ever existed; limit-rps and limit-rpm are the near ones"),
});

}  // namespace

std::span<const AnnotationRow> annotation_table() {
  return kTable;
}

}  // namespace portico::translate
