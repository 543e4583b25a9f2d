#include "controller/translate/lint.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "controller/translate/backend_build.h"
#include "tls/inspect.h"

namespace portico::translate {
namespace {

using routing::Diagnostic;
using routing::Diagnostics;
using routing::Severity;

void check_certificates(Translator& translator, const IngressRecord& record, std::int64_t now,
                        Diagnostics& diagnostics) {
  for (const auto& entry : record.tls) {
    const auto* facts = translator.secrets().facts(entry.secret, true);
    if (facts == nullptr) {
      continue;
    }
    if (const auto problem = tls::validity_problem(*facts, now)) {
      diagnostics.push_back(about(record, Severity::kError, entry.field + ".secretName",
                                  fmt::format("Secret \"{}\": {}", entry.secret, *problem),
                                  "renew it; clients refuse it, though it is served"));
    }
    if (const auto problem = tls::staple_validity_problem(*facts, now)) {
      diagnostics.push_back(about(record, Severity::kWarning, entry.field + ".secretName",
                                  fmt::format("Secret \"{}\": {}", entry.secret, *problem),
                                  "give it a new response of the certificate's OCSP responder; one "
                                  "that has expired is not stapled"));
    }
  }
}

std::string port_names(const std::vector<const kube::EndpointSlice*>& slices) {
  std::set<std::string> names;
  for (const auto* slice : slices) {
    for (const auto& port : slice->ports) {
      names.insert(fmt::format("\"{}\"", port.name));
    }
  }
  return names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "));
}

bool has_port(const std::vector<const kube::EndpointSlice*>& slices, std::string_view name) {
  return std::ranges::any_of(slices, [&](const auto* slice) {
    return std::ranges::any_of(
        slice->ports, [&](const auto& port) { return port.name == name && is_tcp(port.protocol); });
  });
}

void check_backend(const ClusterState& state, const IngressRecord& record, const BackendUse& use,
                   Diagnostics& diagnostics) {
  const auto key = object_name(use.backend.namespace_, use.backend.service);
  const auto service = state.service(key);
  if (service == nullptr || is_external_name(*service) || !use.backend.unusable.empty()) {
    return;
  }
  const auto* port = find_port(*service, use.backend.port);
  if (port == nullptr) {
    return;  // the translator says so
  }
  const auto slices = state.slices_of(key);
  if (slices.empty()) {
    diagnostics.push_back(
        about(record, Severity::kWarning, use.field,
              fmt::format("Service \"{}\" has no EndpointSlice: {}", key, without_backend(record)),
              fmt::format("add one labelled kubernetes.io/service-name: {}", use.backend.service)));
    return;
  }
  if (!has_port(slices, port->name)) {
    diagnostics.push_back(about(
        record, Severity::kWarning, use.field,
        fmt::format("no EndpointSlice of Service \"{}\" has a TCP port named \"{}\", the name of "
                    "its port {}; their names: {}",
                    key, port->name, port->port, port_names(slices)),
        "give Service port and slice port one name"));
  }
}

void check_slices(const ClusterState& state, Diagnostics& diagnostics) {
  for (const auto& [key, slice] : state.slices()) {
    if (state.service(object_name(slice->meta.namespace_, slice->service)) != nullptr) {
      continue;
    }
    const auto& origin = slice->meta.origin;
    diagnostics.push_back(
        {.severity = Severity::kWarning,
         .object = {kube::EndpointSlice::kKind, slice->meta.namespace_, slice->meta.name},
         .field = "metadata.labels[kubernetes.io/service-name]",
         .message = slice->service.empty()
                        ? "names no Service: nothing uses the slice"
                        : fmt::format("there is no Service \"{}\": nothing uses the slice",
                                      slice->service),
         .fix = "name the Service that the endpoints belong to",
         .file = origin.file == nullptr ? std::string() : *origin.file,
         .line = origin.line});
  }
}

}  // namespace

Diagnostics lint(Translator& translator, std::int64_t now_unix_seconds) {
  auto diagnostics = translator.diagnostics();
  const auto& state = translator.state();
  for (const auto* record : translator.records()) {
    check_certificates(translator, *record, now_unix_seconds, diagnostics);
    if (state.slices().empty()) {
      continue;
    }
    for (const auto& use : record->backends) {
      check_backend(state, *record, use, diagnostics);
    }
  }
  check_slices(state, diagnostics);
  sort_diagnostics(diagnostics);
  return diagnostics;
}

}  // namespace portico::translate
