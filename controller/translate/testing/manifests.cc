#include "controller/translate/testing/manifests.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "controller/kube/decode.h"
#include "controller/kube/document_reader.h"
#include "routing/rule_path.h"

namespace portico::translate::testing {
namespace {

std::string_view word(routing::Severity severity) {
  switch (severity) {
    case routing::Severity::kInfo:
      return "info";
    case routing::Severity::kWarning:
      return "warning";
    case routing::Severity::kError:
      return "error";
  }
  return "";
}

std::string indented(std::string_view text) {
  std::string out = "    ";
  for (const char c : text) {
    out += c;
    if (c == '\n') {
      out += "    ";
    }
  }
  return out;
}

}  // namespace

std::vector<kube::Change> changes(std::string_view yaml) {
  kube::Decoded decoded;
  kube::Document scratch;
  const auto file = std::make_shared<const std::string>("test.yaml");
  for (const auto& part : kube::split_yaml(yaml)) {
    kube::decode_yaml(part.text, part.line, file, scratch, decoded);
  }
  EXPECT_EQ(lines(decoded.diagnostics), "");
  std::vector<kube::Change> changes;
  for (const auto& object : decoded.objects) {
    changes.push_back({kube::key_of(*object), object});
  }
  return changes;
}

std::string service_yaml(std::string_view name, std::string_view port) {
  return fmt::format(
      "---\napiVersion: v1\nkind: Service\nmetadata: {{name: {}}}\nspec: {{ports: [{{name: http, "
      "port: {}}}]}}\n",
      name, port);
}

std::string slice_yaml(std::string_view service, std::string_view addresses) {
  return fmt::format(
      "---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n"
      "metadata: {{name: {}-1, labels: {{kubernetes.io/service-name: {}}}}}\naddressType: IPv4\n"
      "ports: [{{name: http, port: 8080}}]\nendpoints: [{{addresses: [{}]}}]\n",
      service, service, addresses);
}

std::string ingress_yaml(std::string_view name, std::string_view host, std::string_view path,
                         std::string_view service, std::string_view created) {
  return fmt::format(
      "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\n"
      "metadata: {{name: {}, creationTimestamp: \"{}\"}}\n"
      "spec:\n  ingressClassName: portico\n  rules:\n  - host: \"{}\"\n    http:\n      paths:\n"
      "      - {{path: \"{}\", pathType: Prefix, backend: {{service: {{name: {}, port: {{number: "
      "80}}}}}}}}\n",
      name, created, host, path, service);
}

std::string secret_yaml(std::string_view name, std::string_view chain_pem,
                        std::string_view key_pem) {
  return fmt::format(
      "---\napiVersion: v1\nkind: Secret\nmetadata: {{name: {}}}\ntype: "
      "kubernetes.io/tls\nstringData:\n"
      "  tls.crt: |\n{}\n  tls.key: |\n{}\n",
      name, indented(chain_pem), indented(key_pem));
}

std::string lines(const routing::Diagnostics& diagnostics) {
  std::string out;
  for (const auto& found : diagnostics) {
    out += fmt::format("{}: {}: {}: {}\n", word(found.severity), found.object.to_string(),
                       found.field, found.message);
  }
  return out;
}

Outcome World::remove(std::string_view yaml) {
  auto gone = changes(yaml);
  for (auto& change : gone) {
    change.object = nullptr;
  }
  return translator.apply(gone);
}

std::string World::routes(std::string_view host) const {
  const auto* spec = translator.snapshot().hosts.find(host);
  if (spec == nullptr) {
    return "none";
  }
  std::string out;
  for (const auto& route : spec->routes) {
    out += fmt::format("{} {} -> {}{}\n", routing::to_string(route->kind), route->path,
                       route->backend, route->policy->denied_because.empty() ? "" : " denied");
  }
  return out;
}

std::string World::backend(std::string_view key) const {
  const auto* spec = translator.snapshot().backends.find(key);
  if (spec == nullptr) {
    return "absent";
  }
  if (!spec->missing_because.empty()) {
    return "missing: " + spec->missing_because;
  }
  std::string out;
  for (const auto& endpoint : spec->endpoints) {
    out += fmt::format("{}{}:{}{}", out.empty() ? "" : " ", endpoint.address, endpoint.port,
                       endpoint.is_far ? "(far)" : "");
  }
  return out.empty() ? "none" : out;
}

std::string World::certificate(std::string_view server_name) const {
  const auto* spec = translator.snapshot().certificates.find(server_name);
  return spec == nullptr ? "default" : spec->secret;
}

bool World::redirects(std::string_view host) const {
  const auto* spec = translator.snapshot().hosts.find(host);
  return spec != nullptr && spec->has_certificate;
}

}  // namespace portico::translate::testing
