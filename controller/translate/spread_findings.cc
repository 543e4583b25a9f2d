#include "controller/translate/spread_findings.h"

#include <algorithm>

#include "controller/translate/balance_asks.h"
#include "controller/translate/service_annotations.h"

namespace portico::translate {
namespace {

bool is_idle(const Spread& spread, const AnnotationRow* row) {
  return std::ranges::any_of(spread.idle, [&](const auto* asked) { return asked->row == row; });
}

Spread join_with_wish(const BackendWish* wish, const ServiceReading& service) {
  static const BackendWish kNothing;
  const auto& asked = wish == nullptr ? kNothing : *wish;
  return join(asked.asked, service.asked, asked.service_upstream);
}

}  // namespace

std::string idle_subject(const routing::ObjectRef& ingress) {
  return "idle " + object_name(ingress.namespace_, ingress.name);
}

routing::Diagnostics idle_findings(const IngressRecord& record,
                                   std::span<const BackendName* const> backends,
                                   const ClusterState& state) {
  if (record.idle.empty()) {
    return {};
  }
  auto idle = record.idle;
  for (const auto* backend : backends) {
    const auto service = state.service(object_name(backend->namespace_, backend->service));
    if (service != nullptr) {
      const auto reading = read_service(*service);
      const auto spread = join_with_wish(backend->wish.get(), reading);
      std::erase_if(idle, [&](const auto& one) { return !is_idle(spread, one.row); });
    }
  }
  routing::Diagnostics diagnostics;
  for (auto& one : idle) {
    diagnostics.push_back(std::move(one.finding));
  }
  return diagnostics;
}

routing::Diagnostics service_findings(const kube::Service& service,
                                      const std::vector<const kube::EndpointSlice*>& slices,
                                      std::span<const BackendWish* const> wishes) {
  auto reading = read_service(service);
  auto findings = std::move(reading.findings);
  std::vector<Spread> spreads;
  if (std::ranges::any_of(reading.asked, [](const auto& asked) { return asked.row->in_force; })) {
    for (const auto* wish : wishes) {
      spreads.push_back(join_with_wish(wish, reading));
    }
  }
  for (const auto& asked : reading.asked) {
    const bool is_unused =
        !spreads.empty() && std::ranges::all_of(spreads, [&](const auto& spread) {
          return std::ranges::find(spread.idle, &asked) != spread.idle.end();
        });
    if (is_unused) {
      findings.push_back(idle_on_service(service, asked));
    }
  }
  for (const auto* slice : slices) {
    for (auto& finding : check_slice_annotations(*slice)) {
      findings.push_back(std::move(finding));
    }
  }
  return findings;
}

}  // namespace portico::translate
