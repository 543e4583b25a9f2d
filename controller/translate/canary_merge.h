// Canaries joined with the rules that they take a part of.
//
//   canary's rule   host, path, path type ──the same──> the rule that serves them
//                   backend, wish                         + CanarySpec
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "controller/translate/ingress_record.h"
#include "routing/diagnostic.h"

namespace portico::translate {

// A backend that a canary serves by.
struct CanaryUse {
  BackendName backend;
  const IngressRecord* record = nullptr;
};

struct CanaryMerge {
  std::vector<CanaryUse> uses;
  routing::Diagnostics diagnostics;  // canaries that serve nothing, and why
};

// The canaries' rules for `host` into `routes`, which `mains` serve there. As in ingress-nginx a
// route has one canary, the oldest one's, and a rule without a main route serves nothing. Both in
// order of precedence.
CanaryMerge merge_canaries(std::string_view host, std::span<RoutePointer> routes,
                           std::span<const IngressRecord* const> mains,
                           std::span<const IngressRecord* const> canaries);

// The same of default routes. `main` may be null; it is then --default-backend-service's where
// `route` is not.
CanaryMerge merge_default_canaries(RoutePointer& route, const IngressRecord* main,
                                   std::span<const IngressRecord* const> canaries);

// How a canary's backend is talked to: as the main Ingress's, `main` (null: nothing is wished for),
// but for what the canary says for itself. As in ingress-nginx load-balance and upstream-hash-by
// are never the main one's, and affinity always, unless it is not heeded. Null: nothing.
std::shared_ptr<const BackendWish> canary_wish(const BackendWish* main, const CanaryPart& canary);

}  // namespace portico::translate
