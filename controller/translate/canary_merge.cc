#include "controller/translate/canary_merge.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <absl/container/flat_hash_map.h>
#include <fmt/format.h>

#include "controller/translate/annotations.h"
#include "controller/translate/balance_asks.h"
#include "routing/rule_path.h"

namespace portico::translate {
namespace {

using routing::Diagnostic;
using routing::RouteSpec;
using routing::Severity;

// Whose annotation of that name counts, where both may have it.
enum class Whose : std::uint8_t { kMains, kCanarys, kCanarysFirst };

Whose whose(std::string_view name, const routing::CanaryRule& rule) {
  if (name.starts_with("affinity") || name.starts_with("session-cookie-")) {
    return rule.heeds_affinity ? Whose::kMains : Whose::kCanarys;
  }
  const bool is_own =
      name == "load-balance" || name.starts_with("upstream-hash-by") || name == "service-upstream";
  return is_own ? Whose::kCanarys : Whose::kCanarysFirst;
}

std::vector<Asked> asked_of(const BackendWish& main, const CanaryPart& canary) {
  std::vector<Asked> asked;
  for (const auto& own : canary.wish.asked) {
    if (whose(own.row->name, canary.rule) != Whose::kMains) {
      asked.push_back(own);
    }
  }
  const auto is_asked = [own = asked.size(), &asked](std::string_view name) {
    return std::ranges::any_of(std::span(asked).first(own),
                               [name](const Asked& one) { return one.row->name == name; });
  };
  std::vector<Asked> inherited;
  for (const auto& one : main.asked) {
    if (whose(one.row->name, canary.rule) != Whose::kCanarys && !is_asked(one.row->name)) {
      inherited.push_back(one);
    }
  }
  asked.insert(asked.end(), inherited.begin(), inherited.end());
  return asked;
}

// What is left of a wish where spreading is left out of it.
BackendWish speech_of(const BackendWish& wish) {
  auto speech = wish;
  speech.balance = {};
  speech.service_upstream = false;
  speech.asked.clear();
  return speech;
}

// Whether it is another way than the main Ingress's, and one without TLS, or at times without.
bool leaves_tls(const BackendWish& main, const BackendWish& own) {
  using enum BackendWish::Protocol;
  return own.protocol != main.protocol &&
         (own.protocol == kHttp || own.protocol == kGrpc || own.protocol == kAutoHttp);
}

// The canary's own, where it says anything; but a main backend that is verified is a guard.
BackendWish merge_speech(const BackendWish& main, const BackendWish& own) {
  auto speech = speech_of(own);
  if (speech == BackendWish() || (main.verifies && (!own.verifies || leaves_tls(main, own)))) {
    speech = speech_of(main);
  }
  if (speech.protocol == BackendWish::Protocol::kByService) {
    speech.protocol = main.protocol;
  }
  speech.refuses_plaintext = main.verifies && speech.protocol == BackendWish::Protocol::kByService;
  return speech;
}

// Whether the canary asks of clients' certificates what `main` does not.
bool asks_otherwise(const HostTlsReading& canary, const HostTlsReading* main) {
  const bool asks = canary.demands_certificates() || !canary.tls.authority_secret.empty() ||
                    !canary.tls.refused_because.empty();
  return asks && (main == nullptr || main->tls != canary.tls);
}

// Whether a key may be that name's: keys can be long, and records have many.
bool may_be(const BackendName& name, std::string_view key) {
  const auto takes = [&key](std::string_view part) {
    const bool does = key.starts_with(part);
    key.remove_prefix(does ? part.size() : 0);
    return does;
  };
  return takes(name.namespace_) && takes("/") && takes(name.service) && takes(":") &&
         takes(name.port);
}

const BackendUse* use_of(const IngressRecord& record, std::string_view key) {
  const auto found = std::ranges::find_if(record.backends, [key](const BackendUse& use) {
    return may_be(use.backend, key) && use.backend.key() == key;
  });
  return found == record.backends.end() ? nullptr : &*found;
}

// A Secret is for its own namespace: whoever else could use it would speak in another's name.
bool is_foreign(const BackendWish* wish, const IngressRecord& record) {
  return wish != nullptr && !wish->secret.empty() &&
         !wish->secret.starts_with(record.ref.namespace_ + "/");
}

class Merge {
 public:
  // `where` says what was looked for: "host "a" with Prefix path "/"".
  // Null where nothing was joined: then a finding says why.
  RoutePointer join(const RoutePointer& main, const IngressRecord* main_record,
                    const RouteSpec& route, const IngressRecord& record, const std::string& where) {
    if (const auto problem = obstacle(main.get(), main_record, route, record, where)) {
      add(record, Severity::kWarning, route.field, problem->first, problem->second);
      return nullptr;
    }
    const auto* main_use = main_record == nullptr ? nullptr : use_of(*main_record, main->backend);
    const auto* use = use_of(record, route.backend);
    auto name = use->backend;
    name.wish =
        canary_wish(main_use == nullptr ? nullptr : main_use->backend.wish.get(), *record.canary);
    if (is_foreign(name.wish.get(), record)) {
      add(record, Severity::kWarning, route.field,
          fmt::format("the canary serves nothing here: the Secret by which {} talks to its backend "
                      "is of another namespace",
                      main->origin.to_string()),
          "give the canary proxy-ssl-secret of its own, and proxy-ssl-verify where the other has "
          "it");
      return nullptr;
    }
    auto taken = std::make_shared<RouteSpec>(route);
    taken->policy = main->policy;
    taken->backend = name.key();
    auto joined = std::make_shared<RouteSpec>(*main);
    joined->canary = std::make_shared<const routing::CanarySpec>(
        routing::CanarySpec{.rule = record.canary->rule, .route = std::move(taken)});
    merge_.uses.push_back({std::move(name), &record});
    tell_of_namespaces(*main, main_record, route, record);
    return joined;
  }

  CanaryMerge take() { return std::move(merge_); }

 private:
  using Problem = std::pair<std::string, std::string>;  // message and fix

  static std::optional<Problem> obstacle(const RouteSpec* main, const IngressRecord* main_record,
                                         const RouteSpec& route, const IngressRecord& record,
                                         const std::string& where) {
    if (main == nullptr) {
      return Problem{fmt::format("the canary serves nothing here: no other Ingress has {}", where),
                     "give it host, path and pathType of the rule that it is to take a part of"};
    }
    if (asks_otherwise(record.canary->tls,
                       main_record == nullptr ? nullptr : &main_record->tls_reading)) {
      return Problem{fmt::format("the canary serves nothing here: it asks for client certificates "
                                 "otherwise than {}",
                                 main->origin.to_string()),
                     "remove auth-tls-* from the canary: the main Ingress's hold for it"};
    }
    const auto name = routing::BackendSpec::name_of(route.backend);
    if (routing::BackendSpec::name_of(main->backend) == name) {
      return Problem{fmt::format("the canary serves nothing here: {} has the same backend, {}",
                                 main->origin.to_string(), name),
                     "name another Service"};
    }
    if (main->canary != nullptr) {
      return Problem{fmt::format("the canary serves nothing here: {} has that of {} already", where,
                                 main->canary->route->origin.to_string()),
                     "keep one canary for a rule"};
    }
    return std::nullopt;
  }

  // Both sides: whoever owns the host may not know of the other.
  void tell_of_namespaces(const RouteSpec& main, const IngressRecord* main_record,
                          const RouteSpec& route, const IngressRecord& record) {
    if (main.origin.namespace_ == record.ref.namespace_) {
      return;
    }
    add(record, Severity::kInfo, route.field,
        fmt::format("takes a part of the requests of {}, which is in another namespace",
                    main.origin.to_string()),
        "");
    if (main_record != nullptr) {
      add(*main_record, Severity::kWarning, main.field,
          fmt::format("requests of this rule go to a canary of another namespace: {}",
                      record.ref.to_string()),
          "remove the canary, unless it is meant; docs/canary.md says who can have one");
    }
  }

  void add(const IngressRecord& record, Severity severity, std::string field, std::string message,
           std::string fix) {
    merge_.diagnostics.push_back(
        about(record, severity, std::move(field), std::move(message), std::move(fix)));
  }

  CanaryMerge merge_;
};

// A host's rules as canaries name them, and the Ingresses that they are of.
class MainRules {
 public:
  struct Rule {
    RoutePointer* route = nullptr;  // null: there is none
    const IngressRecord* record = nullptr;
  };

  MainRules(std::span<RoutePointer> routes, std::span<const IngressRecord* const> records) {
    absl::flat_hash_map<std::pair<std::string_view, std::string_view>, const IngressRecord*> by_ref;
    for (const auto* record : records) {
      by_ref.try_emplace({record->ref.namespace_, record->ref.name}, record);
    }
    for (auto& route : routes) {
      const auto owner = by_ref.find({route->origin.namespace_, route->origin.name});
      // Of equal ones the first serves.
      rules_.try_emplace(
          {route->kind, route->path},
          Rule{.route = &route, .record = owner == by_ref.end() ? nullptr : owner->second});
    }
  }

  [[nodiscard]] Rule find(const RouteSpec& like) const {
    const auto found = rules_.find({like.kind, like.path});
    return found == rules_.end() ? Rule() : found->second;
  }

 private:
  absl::flat_hash_map<std::pair<routing::PathKind, std::string>, Rule> rules_;
};

}  // namespace

CanaryMerge merge_canaries(std::string_view host, std::span<RoutePointer> routes,
                           std::span<const IngressRecord* const> mains,
                           std::span<const IngressRecord* const> canaries) {
  if (canaries.empty()) {
    return {};
  }
  const MainRules rules(routes, mains);
  Merge merge;
  for (const auto* record : canaries) {
    if (!record->canary->unusable_because.empty()) {
      continue;  // said once, of the Ingress
    }
    for (const auto& route : *record->routes_of(host)) {
      const auto main = rules.find(*route);
      auto joined =
          merge.join(main.route == nullptr ? nullptr : *main.route, main.record, *route, *record,
                     fmt::format("host \"{}\" with {} path \"{}\"", host,
                                 routing::to_string(route->kind), route->path));
      if (joined != nullptr) {
        *main.route = std::move(joined);
      }
    }
  }
  return merge.take();
}

CanaryMerge merge_default_canaries(RoutePointer& route, const IngressRecord* main,
                                   std::span<const IngressRecord* const> canaries) {
  Merge merge;
  for (const auto* record : canaries) {
    if (!record->canary->unusable_because.empty()) {
      continue;
    }
    if (auto joined =
            merge.join(route, main, *record->default_route, *record, "a default backend")) {
      route = std::move(joined);
    }
  }
  return merge.take();
}

std::shared_ptr<const BackendWish> canary_wish(const BackendWish* main, const CanaryPart& canary) {
  static const BackendWish kNothing;
  const auto& mains = main == nullptr ? kNothing : *main;
  auto wish = merge_speech(mains, canary.wish);
  wish.service_upstream = canary.wish.service_upstream;
  wish.asked = asked_of(mains, canary);
  (void)settle(wish);
  return wish == kNothing ? nullptr : std::make_shared<const BackendWish>(std::move(wish));
}

}  // namespace portico::translate
