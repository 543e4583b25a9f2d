// Manifests as text, applied to a Translator.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controller/kube/objects.h"
#include "controller/translate/translator.h"

namespace portico::translate::testing {

// Objects of YAML documents, as changes. Fails the test where the text has findings of its own.
std::vector<kube::Change> changes(std::string_view yaml);

// The first document's object.
template <class Kind>
Kind object(std::string_view yaml) {
  return std::get<Kind>(*changes(yaml).at(0).object);
}

std::string service_yaml(std::string_view name, std::string_view port = "80");
// Ready IPv4 endpoints on port 8080.
std::string slice_yaml(std::string_view service, std::string_view addresses);
// One rule: host, Prefix path, backend Service:80.
std::string ingress_yaml(std::string_view name, std::string_view host, std::string_view path,
                         std::string_view service,
                         std::string_view created = "2024-01-01T00:00:00Z");
// `pem` in the block form that YAML wants.
std::string secret_yaml(std::string_view name, std::string_view chain_pem,
                        std::string_view key_pem);

// "error: Ingress default/web: spec.rules[0].host: message", one a line.
std::string lines(const routing::Diagnostics& diagnostics);

// A Translator that speaks YAML.
class World {
 public:
  explicit World(const Options& options = {}) : translator(options) {}

  Outcome apply(std::string_view yaml) { return translator.apply(changes(yaml)); }
  Outcome remove(std::string_view yaml);

  // "Prefix /a -> default/web:80", one a line, as HostSpec has them; "none" where there is no such
  // host.
  [[nodiscard]] std::string routes(std::string_view host) const;
  // "10.0.0.1:8080 10.0.0.2:8080", "missing: ..." or "none".
  [[nodiscard]] std::string backend(std::string_view key) const;
  // The Secret whose certificate the server name gets.
  [[nodiscard]] std::string certificate(std::string_view server_name) const;
  [[nodiscard]] bool redirects(std::string_view host) const;
  [[nodiscard]] std::string findings() const { return lines(translator.diagnostics()); }

  Translator translator;
};

}  // namespace portico::translate::testing
