#include "controller/translate/passthrough.h"

#include <algorithm>

#include <fmt/format.h>

namespace portico::translate {
namespace {

constexpr const char* kField = "metadata.annotations[ssl-passthrough]";

const IngressRecord* first_to_ask(std::span<const IngressRecord* const> records,
                                  const std::string& host) {
  const IngressRecord* first = nullptr;
  for (const auto* record : records) {
    const bool asks = std::ranges::any_of(
        *record->routes_of(host), [](const auto& route) { return route->policy->ssl_passthrough; });
    if (asks && (first == nullptr || record->precedes(*first))) {
      first = record;
    }
  }
  return first;
}

// What only an opened connection can be held to.
bool demands_certificates(const routing::HostTls* tls) {
  return tls != nullptr && (!tls->refused_because.empty() || !tls->subject.text().empty() ||
                            tls->verify == routing::ClientVerification::kOn);
}

}  // namespace

routing::Diagnostics decide_passthrough(routing::HostSpec& spec,
                                        std::span<const IngressRecord* const> records,
                                        bool enabled) {
  using enum routing::Severity;
  const auto& host = spec.host.text();
  const auto* const asking = first_to_ask(records, host);
  if (asking == nullptr) {
    return {};
  }
  if (!enabled) {
    return {about(*asking, kWarning, kField,
                  fmt::format("TLS connections for \"{}\" are opened here: passthrough is not "
                              "switched on",
                              host),
                  "start Portico with --enable-ssl-passthrough")};
  }
  if (spec.host.is_any()) {
    return {about(*asking, kWarning, kField,
                  "rules without a host can't be told by the server name of a TLS connection",
                  "name the host")};
  }
  const bool has_root =
      std::ranges::any_of(spec.routes, [](const auto& route) { return route->path == "/"; });
  if (!has_root) {
    return {about(*asking, kWarning, kField,
                  fmt::format("TLS connections for \"{}\" are opened here: no rule has the path "
                              "\"/\", whose backend would take them",
                              host),
                  "add a rule with the path \"/\"")};
  }
  if (demands_certificates(spec.tls.get())) {
    return {
        about(*asking, kError, kField,
              fmt::format("TLS connections for \"{}\" are opened here: clients' certificates are "
                          "demanded, and can't be looked at in what is passed through",
                          host),
              "remove ssl-passthrough, or auth-tls-* from the Ingresses of the host")};
  }
  spec.ssl_passthrough = true;
  return {};
}

}  // namespace portico::translate
