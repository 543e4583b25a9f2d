#include <array>
#include <vector>

#include "controller/translate/annotation_values.h"
#include "controller/translate/balance_values.h"
#include "controller/translate/circuit_values.h"
#include "controller/translate/client_address_reading.h"
#include "controller/translate/client_reading.h"
#include "controller/translate/compression_reading.h"
#include "controller/translate/config_map.h"
#include "controller/translate/retry_reading.h"
#include "controller/translate/tls_values.h"

namespace portico::translate {
namespace {

using ClientAddress = routing::ClientAddressSettings;
using Circuit = routing::CircuitSpec;
using Clients = routing::ClientSettings;
using Compression = routing::CompressionSettings;
using routing::Settings;

// What an annotation of the same name sets for one Ingress, the key sets for all.
ConfigMapRow as_annotation(std::string_view name) {
  const auto& row = *find_annotation(name);
  return {.name = row.name,
          .support = Support::kServed,
          .read = row.read,
          .default_value = row.default_value,
          .meaning = row.meaning};
}

template <auto Field, auto Read>
std::expected<void, std::string_view> read_into(std::string_view value,
                                                routing::Settings& settings) {
  const auto parsed = Read(value);
  if (!parsed) {
    return std::unexpected(parsed.error());
  }
  settings.*Field = *parsed;
  return {};
}

constexpr ConfigMapRow setting(std::string_view name, ReadSetting read,
                               std::string_view default_value, std::string_view meaning,
                               std::string_view when_bad = {}) {
  return {.name = name,
          .support = Support::kServed,
          .read_setting = read,
          .default_value = default_value,
          .meaning = meaning,
          .when_bad = when_bad};
}

constexpr ConfigMapRow default_of_routes(std::string_view name, ReadValue read,
                                         std::string_view default_value, std::string_view meaning) {
  return {.name = name,
          .support = Support::kServed,
          .read = read,
          .default_value = default_value,
          .meaning = meaning};
}

constexpr ConfigMapRow secret(ConfigMapRow row) {
  row.is_secret = true;
  return row;
}

constexpr ConfigMapRow later(std::string_view name, std::string_view meaning,
                             std::string_view harmless = {}) {
  return {.name = name, .support = Support::kNotYet, .meaning = meaning, .harmless = harmless};
}

constexpr ConfigMapRow guard(std::string_view name, std::string_view meaning) {
  return {
      .name = name, .support = Support::kNotYet, .guards_access = Guard::kYes, .meaning = meaning};
}

constexpr ConfigMapRow never(std::string_view name, std::string_view why,
                             std::string_view harmless = {}) {
  return {.name = name, .support = Support::kNever, .meaning = why, .harmless = harmless};
}

constexpr ConfigMapRow snippet(std::string_view name) {
  return {.name = name,
          .support = Support::kNever,
          .guards_access = Guard::kByValue,
          .meaning = "it is nginx configuration text"};
}

constexpr std::string_view kInside = "it tunes nginx itself";
constexpr std::string_view kHash = "it sizes a table of nginx";
constexpr std::string_view kAddresses = "--http-address and --https-address say where to listen";
constexpr std::string_view kLog = "the access log is set by --access-log and --access-log-path";
constexpr std::string_view kStandardError = "Portico logs to standard error";
constexpr std::string_view kNoWaf = "requests are NOT inspected: Portico has no ModSecurity";
constexpr std::string_view kTickets =
    "TLS sessions are resumed by tickets, whose keys rotate by themselves";
constexpr std::string_view kStrict = "Portico refuses ambiguous requests, whatever this says";
constexpr std::string_view kSnippets = "Portico runs no snippets";
constexpr std::string_view kByIngress =
    "as in ingress-nginx, only the annotation of that name chooses";
constexpr std::string_view kHeads = "a request's head may have 64 KiB in 100 fields";

constexpr std::string_view kGzipTypes =
    "application/atom+xml "
    "application/javascript "
    "application/json "
    "application/rss+xml "
    "application/vnd.ms-fontobject "
    "application/x-font-ttf "
    "application/x-javascript "
    "application/x-web-app-manifest+json "
    "application/xhtml+xml "
    "application/xml "
    "font/opentype "
    "image/svg+xml "
    "image/x-icon "
    "text/css "
    "text/javascript "
    "text/plain "
    "text/x-component";
constexpr std::string_view kBrotliTypes =
    "application/atom+xml "
    "application/javascript "
    "application/json "
    "application/rss+xml "
    "application/vnd.ms-fontobject "
    "application/x-font-ttf "
    "application/x-javascript "
    "application/x-web-app-manifest+json "
    "application/xhtml+xml "
    "application/xml "
    "font/opentype "
    "image/svg+xml "
    "image/x-icon "
    "text/css "
    "text/javascript "
    "text/plain "
    "text/x-component "
    "application/xml+rss";

constexpr auto kOthers = std::to_array<ConfigMapRow>({
    // Redirects
    later("http-redirect-code", "the status of redirects", "308"),
    setting("no-tls-redirect-locations", read_into<&Settings::plain_paths, read_paths>,
            "/.well-known/acme-challenge",
            "rules whose path begins with one of these, separated by commas, are not redirected to "
            "https"),
    later("preserve-trailing-slash", "redirects keep the path's last slash", "false"),
    later("relative-redirects", "redirects name only the path", "false"),
    later("use-port-in-redirects", "redirects name the port", "false"),
    later("app-root", "where a request for / is redirected to"),
    // Access
    guard("whitelist-source-range", "client addresses that may pass"),
    guard("denylist-source-range", "client addresses that may not pass"),
    guard("block-cidrs", "client addresses that may not pass"),
    guard("block-user-agents", "clients that may not pass, by User-Agent"),
    guard("block-referers", "requests that may not pass, by Referer"),
    guard("global-auth-url", "the URL that is asked whether a request may pass"),
    later("global-auth-method", "the method of the question to global-auth-url"),
    later("global-auth-signin", "where clients that may not pass are redirected to"),
    later("global-auth-signin-redirect-param", "the parameter that names the way back", "rd"),
    later("global-auth-response-headers", "headers of the answer that go on to the backend"),
    later("global-auth-request-redirect", "the X-Auth-Request-Redirect header of the question"),
    later("global-auth-cache-key", "what answers of global-auth-url are remembered by"),
    later("global-auth-cache-duration", "how long they are remembered"),
    later("global-auth-always-set-cookie", "hands on their cookies whatever the status", "false"),
    later("no-auth-locations", "paths that global-auth-url does not guard"),
    later("limit-req-status-code", "the status of requests over limit-rps and limit-rpm", "503"),
    later("limit-conn-status-code", "the status of requests over limit-connections", "503"),
    later("limit-rate", "bytes a second of one answer", "0"),
    later("limit-rate-after", "bytes of an answer before limit-rate applies", "0"),
    // The client's address
    setting("use-forwarded-headers",
            read_client_address<&ClientAddress::use_forwarded_headers, read_bool>, "false",
            "believes X-Forwarded-For, -Proto, -Host and -Port of the proxies in "
            "`proxy-real-ip-cidr`"),
    setting("proxy-real-ip-cidr", read_trusted_proxies, "0.0.0.0/0,::/0",
            "the networks of the proxies in front, which are believed",
            "only the networks in it "
            "that can be read are believed"),
    setting("enable-real-ip", read_client_address<&ClientAddress::enable_real_ip, read_bool>,
            "false", "takes the client's address from `forwarded-for-header`, and nothing else"),
    setting("compute-full-forwarded-for",
            read_client_address<&ClientAddress::compute_full_forwarded_for, read_bool>, "false",
            "appends to X-Forwarded-For instead of replacing it"),
    setting("forwarded-for-header",
            read_client_address<&ClientAddress::forwarded_for_header, read_header_name>,
            "X-Forwarded-For", "the header that names the client"),
    setting("forwarded-host-header",
            read_client_address<&ClientAddress::forwarded_host_header, read_header_name>,
            "X-Forwarded-Host", "the header that names the host"),
    setting("use-proxy-protocol",
            read_client_address<&ClientAddress::use_proxy_protocol, read_bool>, "false",
            "connections begin with a PROXY header (version 1 or 2); others, and those of "
            "addresses outside `proxy-real-ip-cidr`, are closed"),
    setting("proxy-protocol-header-timeout",
            read_client_address<&ClientAddress::proxy_header_timeout, read_duration>, "5s",
            "how long that header may take"),
    never("forwarded-for-proxy-protocol-header", "Portico needs no header between the two"),
    setting("forwarded-header", read_client_address<&ClientAddress::forwarded_header, read_bool>,
            "false",
            "Portico's own: sends Forwarded (RFC 7239) to backends, and with "
            "`use-forwarded-headers` reads it before X-Forwarded-*"),
    // Timeouts and limits
    setting("client-header-timeout", read_of_clients<&Clients::head_timeout, read_seconds>, "60",
            "seconds for a request's head"),
    setting("client-body-timeout", read_of_clients<&Clients::body_timeout, read_seconds>, "60",
            "seconds between two pieces of a request's body"),
    setting("keep-alive", read_of_clients<&Clients::idle_timeout, read_keep_alive>, "75",
            "seconds that a client's connection is kept without a request; `0`: it serves one "
            "request"),
    setting("keep-alive-requests", read_of_clients<&Clients::requests, read_count>, "10000",
            "requests that a client's connection may bring before it is told to go (1000 in "
            "ingress-nginx)"),
    never("client-header-buffer-size", kHeads),
    never("large-client-header-buffers", kHeads),
    later("client-body-buffer-size", "the request body kept in memory before a file is used"),
    never("max-worker-connections",
          "--max-connections sets it, for the clients of all workers together", "0"),
    never("max-worker-open-files", "Portico raises its limit of open files by itself"),
    // Backends
    setting("load-balance", read_into<&Settings::load_balance, read_strategy>, "round_robin",
            "how requests are spread where no annotation says so: `round_robin`, `ewma`; Portico's "
            "own: `least_requests`, `random`"),
    setting(
        "circuit-max-connections",
        read_circuit_setting<&Circuit::max_connections, read_circuit_limit>, "0",
        "Portico's own: connections to a backend's endpoints where no annotation says so; 0: no "
        "limit"),
    setting("circuit-max-requests",
            read_circuit_setting<&Circuit::max_requests, read_circuit_limit>, "0",
            "Portico's own: the same of a backend's requests under way"),
    setting(
        "circuit-max-pending", read_circuit_setting<&Circuit::max_pending, read_circuit_limit>, "0",
        "Portico's own: the same of requests that wait, where circuit-queue-timeout lets them; 0: "
        "1024"),
    setting("circuit-max-retries", read_circuit_setting<&Circuit::max_retries, read_circuit_limit>,
            "0", "Portico's own: the same of requests under way that are tried again; 0: no limit"),
    setting("circuit-queue-timeout",
            read_circuit_setting<&Circuit::queue_timeout, read_queue_timeout>, "0",
            "Portico's own: seconds that a request may wait where a backend bears no more; 0: it "
            "is answered 503 "
            "at once"),
    setting("adaptive-concurrency", read_circuit_setting<&Circuit::adaptive, read_on_off>, "off",
            "Portico's own: limits a backend's requests under way by their latency, where no "
            "annotation says so"),
    never("upstream-hash-by", kByIngress),
    never("upstream-hash-by-subset", kByIngress, "false"),
    never("upstream-hash-by-subset-size", kByIngress),
    setting("slow-start", read_into<&Settings::slow_start, read_slow_start_length>, "off",
            "Portico's own: the seconds (up to 900) that an endpoint which is new, or back, gets "
            "less than its share, where no annotation says so"),
    setting("panic-threshold", read_into<&Settings::panic_percent, read_percent>, "0",
            "Portico's own: where fewer percent of a backend's endpoints than this serve, all are "
            "tried as if none were ejected; 0: only where none serves"),
    later("upstream-keepalive-connections", "idle connections to endpoints that are kept"),
    later("upstream-keepalive-timeout", "seconds that they are kept", "60"),
    later("upstream-keepalive-requests", "requests on one of them", "10000"),
    later("upstream-keepalive-time", "how long one of them is used"),
    default_of_routes("retry-non-idempotent", read_retry_non_idempotent, "false",
                      "as `non_idempotent` in every route's `proxy-next-upstream`"),
    later("proxy-request-buffering", "reads the whole request body first", "off"),
    later("proxy-buffering", "reads ahead of the client from the backend", "off"),
    later("proxy-buffer-size", "the buffer of an answer's head"),
    later("proxy-buffers-number", "how many buffers an answer may take"),
    later("proxy-busy-buffers-size", "buffers that may be waiting for the client"),
    never("proxy-max-temp-file-size", "Portico writes no answer to a file", "0"),
    later("proxy-http-version", "the HTTP version towards the backend", "1.1"),
    later("proxy-cookie-domain", "changes the Domain of the backend's cookies", "off"),
    later("proxy-cookie-path", "changes the Path of the backend's cookies", "off"),
    later("proxy-redirect-from", "what is replaced in the backend's Location headers", "off"),
    later("proxy-redirect-to", "what it is replaced by", "off"),
    later("proxy-ssl-location-only",
          "proxy-ssl annotations always hold for their own Ingress's paths only", "false"),
    never("grpc-buffer-size-kb", kInside),
    // Headers and error pages
    later("proxy-set-headers", "a ConfigMap of headers that backends get"),
    later("add-headers", "a ConfigMap of headers added to answers"),
    later("hide-headers", "headers of backends that clients do not get"),
    later("global-allowed-response-headers", "the headers that custom-headers may set"),
    later("allow-backend-server-header", "hands on the backend's Server header", "false"),
    never("server-tokens", "answers name no version", "false"),
    never("enable-underscores-in-headers", kStrict, "false"),
    never("ignore-invalid-headers", kStrict),
    never("generate-request-id", "a request without an X-Request-ID always gets one", "true"),
    later("proxy-add-original-uri-header", "sends X-Original-URI to the backend", "false"),
    later("custom-http-errors", "statuses that the default backend answers instead"),
    later("disable-proxy-intercept-errors", "turns custom-http-errors off", "false"),
    later("default-type", "the media type of answers that name none"),
    // TLS
    setting("ssl-protocols", read_protocols, "TLSv1.2 TLSv1.3",
            "the TLS versions that are served; older ones than these two never are",
            "what it names of these two is served, or both where it names neither"),
    setting("ssl-ciphers", read_ciphers, "",
            "the TLS 1.2 cipher suites; empty: Mozilla's intermediate list without DHE"),
    setting("ssl-ecdh-curve", read_groups, "auto", "the groups of the key exchange"),
    never("ssl-dh-param", "Portico has no DHE cipher suites"),
    setting("ssl-reject-handshake", read_reject_handshake, "false",
            "refuses handshakes for server names that no rule names, and those without one"),
    never("ssl-early-data", "requests in TLS 1.3 early data can be replayed", "false"),
    never("ssl-session-cache", kTickets),
    never("ssl-session-cache-size", kTickets),
    setting("ssl-session-tickets", read_session_tickets, "true",
            "TLS sessions are resumed, by tickets; `false`: none is"),
    secret(setting(
        "ssl-session-ticket-key", read_session_ticket_key, "",
        "80 bytes as base64 that seal the tickets of all replicas; better in a Secret, by "
        "--tls-ticket-keys-secret; empty: each replica has keys of its own and changes them")),
    setting("ssl-session-timeout", read_session_timeout, "12h",
            "how long a session can be resumed, 12h at most"),
    never("ssl-buffer-size", kInside),
    setting("enable-ocsp", read_ocsp, "true",
            "staples the OCSP response that a TLS Secret holds as tls.ocsp; none is fetched"),
    setting("hsts", read_into<&Settings::hsts, read_bool>, "true",
            "sends Strict-Transport-Security over TLS where the host has a certificate, instead of "
            "the backend's own"),
    setting("hsts-max-age", read_into<&Settings::hsts_max_age_seconds, read_count>, "31536000",
            "its max-age, in seconds"),
    setting("hsts-include-subdomains", read_into<&Settings::hsts_include_subdomains, read_bool>,
            "true", "its includeSubDomains"),
    setting("hsts-preload", read_into<&Settings::hsts_preload, read_bool>, "false", "its preload"),
    // Protocols and compression
    setting("use-http2", read_of_clients<&Clients::http2, read_bool>, "true",
            "`false`: new connections of clients speak HTTP/1 only, and so no gRPC"),
    setting("http2-max-concurrent-streams",
            read_of_clients<&Clients::max_concurrent_streams, read_concurrent_streams>, "128",
            "open requests of one HTTP/2 connection; a change is for new ones"),
    never("http2-max-field-size", "ingress-nginx has dropped it"),
    never("http2-max-header-size", "ingress-nginx has dropped it"),
    never("http2-max-requests", "ingress-nginx has dropped it"),
    setting("use-gzip", read_of_coding<&Compression::gzip, read_coding_enabled>, "false",
            "compresses answers by gzip for clients that take it; of several codings that a client "
            "takes equally, zstd comes first, then br, then gzip"),
    setting("gzip-level", read_of_coding<&Compression::gzip, read_coding_level>, "1",
            "from 1 (fast) to 9 (small)"),
    setting("gzip-min-length", read_of_coding<&Compression::gzip, read_coding_min_length>, "256",
            "answers that say a smaller Content-Length are left alone"),
    setting("gzip-types", read_of_coding<&Compression::gzip, read_coding_types>, kGzipTypes,
            "the media types that are compressed, besides text/html; `*` for all but those that "
            "are packed already"),
    never("gzip-disable", "the clients that it was for are gone"),
    setting("enable-brotli", read_of_coding<&Compression::brotli, read_coding_enabled>, "false",
            "compresses answers by Brotli"),
    setting("brotli-level", read_of_coding<&Compression::brotli, read_brotli_level>, "4",
            "from 0 (fast) to 11 (small); 10 and 11 are served as 9, since they would hold up "
            "other clients"),
    setting("brotli-min-length", read_of_coding<&Compression::brotli, read_coding_min_length>, "20",
            "as `gzip-min-length`"),
    setting("brotli-types", read_of_coding<&Compression::brotli, read_coding_types>, kBrotliTypes,
            "as `gzip-types`"),
    setting("enable-zstd", read_of_coding<&Compression::zstd, read_coding_enabled>, "false",
            "Portico's own: compresses answers by Zstandard"),
    setting("zstd-level", read_of_coding<&Compression::zstd, read_coding_level>, "3",
            "from 1 (fast) to 9 (small)"),
    setting("zstd-min-length", read_of_coding<&Compression::zstd, read_coding_min_length>, "256",
            "as `gzip-min-length`"),
    setting("zstd-types", read_of_coding<&Compression::zstd, read_coding_types>, kBrotliTypes,
            "as `gzip-types`"),
    // Logs and traces
    never("access-log-path", kLog),
    never("http-access-log-path", kLog),
    never("stream-access-log-path", kLog),
    never("access-log-params", kLog),
    never("disable-access-log", kLog),
    never("disable-http-access-log", kLog),
    never("disable-stream-access-log", kLog),
    never("enable-access-log-for-default-backend", kLog),
    never("enable-auth-access-log", kLog, "false"),
    later("skip-access-log-urls", "paths that are not logged"),
    later("log-format-upstream", "the access log's line"),
    later("log-format-escape-json", "escapes its fields as JSON", "false"),
    later("log-format-escape-none", "escapes nothing", "false"),
    never("log-format-stream", "Portico serves no plain TCP or UDP"),
    never("error-log-path", kStandardError),
    never("error-log-level", kStandardError),
    never("enable-syslog", kStandardError, "false"),
    never("syslog-host", kStandardError),
    never("syslog-port", kStandardError),
    never("debug-connections", kInside),
    later("enable-opentelemetry", "traces requests", "false"),
    later("opentelemetry-config", "the file that says how"),
    later("opentelemetry-operation-name", "the name of a server's span"),
    later("opentelemetry-location-operation-name", "the name of a path's span"),
    later("opentelemetry-trust-incoming-span", "goes on with the client's trace"),
    later("otlp-collector-host", "where traces are sent"),
    later("otlp-collector-port", "where traces are sent"),
    later("otel-service-name", "the service that traces name"),
    later("otel-sampler", "which requests are traced"),
    later("otel-sampler-ratio", "which requests are traced"),
    later("otel-sampler-parent-based", "which requests are traced"),
    later("otel-max-queuesize", "how traces are sent"),
    later("otel-schedule-delay-millis", "how traces are sent"),
    later("otel-max-export-batch-size", "how traces are sent"),
    // Processes and listeners
    never("worker-processes", "--workers sets it"),
    never("worker-shutdown-timeout", "--worker-shutdown-timeout sets it", "240s"),
    never("worker-cpu-affinity", kInside),
    never("enable-serial-reloads", "a change restarts nothing", "false"),
    never("enable-multi-accept", kInside),
    never("enable-aio-write", kInside),
    never("reuse-port", "each worker has a listener of its own", "true"),
    never("bind-address", kAddresses),
    never("disable-ipv6", kAddresses, "false"),
    never("disable-ipv6-dns", "names are resolved to both families", "false"),
    never("map-hash-bucket-size", kHash),
    never("server-name-hash-max-size", kHash),
    never("server-name-hash-bucket-size", kHash),
    never("proxy-headers-hash-max-size", kHash),
    never("proxy-headers-hash-bucket-size", kHash),
    never("variables-hash-bucket-size", kHash),
    never("variables-hash-max-size", kHash),
    never("limit-conn-zone-variable", kInside),
    never("lua-shared-dicts", "Portico has no Lua"),
    never("plugins", "Portico has no Lua"),
    never("nginx-status-ipv4-whitelist", "the figures are at --admin-address"),
    never("nginx-status-ipv6-whitelist", "the figures are at --admin-address"),
    never("use-geoip", "ingress-nginx has dropped it", "false"),
    never("use-geoip2", "Portico looks up no places", "false"),
    never("geoip2-autoreload-in-minutes", "Portico looks up no places", "0"),
    setting("proxy-stream-timeout", read_into<&Settings::stream_timeout, read_duration>, "600s",
            "how long a TLS connection that is passed through (`ssl-passthrough`) may be silent"),
    never("proxy-stream-next-upstream", "Portico serves no plain TCP or UDP"),
    never("proxy-stream-next-upstream-timeout", "Portico serves no plain TCP or UDP"),
    never("proxy-stream-next-upstream-tries", "Portico serves no plain TCP or UDP"),
    never("proxy-stream-responses", "Portico serves no plain TCP or UDP"),
    // Safety, and nginx's text
    never("allow-snippet-annotations", kSnippets, "false"),
    never("annotations-risk-level", "annotations are typed: none is pasted into text"),
    never("annotation-value-word-blocklist", "annotations are typed: none is pasted into text"),
    never("allow-cross-namespace-resources", "an Ingress uses its own namespace only", "false"),
    never("strict-validate-path-type", "a path is text to be compared, whatever it holds"),
    never("enable-modsecurity", kNoWaf, "false"),
    never("enable-owasp-modsecurity-crs", kNoWaf, "false"),
    never("modsecurity-snippet", kNoWaf),
    snippet("main-snippet"),
    snippet("http-snippet"),
    snippet("server-snippet"),
    snippet("location-snippet"),
    snippet("stream-snippet"),
    snippet("global-auth-snippet"),
});

}  // namespace

std::span<const ConfigMapRow> config_map_table() {
  static const auto kTable = [] {
    std::vector<ConfigMapRow> rows;
    for (const auto name :
         {"ssl-redirect", "force-ssl-redirect", "proxy-body-size", "proxy-connect-timeout",
          "proxy-send-timeout", "proxy-read-timeout", "request-timeout", "proxy-next-upstream",
          "proxy-next-upstream-timeout", "proxy-next-upstream-tries", "service-upstream",
          "outlier-ejection", "outlier-success-rate", "outlier-consecutive-5xx"}) {
      rows.push_back(as_annotation(name));
    }
    rows.insert(rows.end(), kOthers.begin(), kOthers.end());
    return rows;
  }();
  return kTable;
}

}  // namespace portico::translate
