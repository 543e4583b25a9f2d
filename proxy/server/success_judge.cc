#include "proxy/server/success_judge.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

namespace portico::server {
namespace {

using exchange::Endpoint;
using exchange::EndpointHealth;

std::string percent(double share) {
  const auto value = share * 100;
  if (value == 0) {
    return "0 %";
  }
  return value < 9.95 ? fmt::format("{:.1f} %", value) : fmt::format("{:.0f} %", value);
}

bool is_out(const Endpoint& endpoint) {
  return endpoint.health == nullptr || endpoint.health->is_out();
}

// The one that was put out.
std::optional<SuccessJudge::Verdict> judge(routing::BackendId backend,
                                           const std::vector<Endpoint>& endpoints,
                                           routing::SuccessRates& rates,
                                           EndpointHealth::Clock::time_point now) {
  const auto outlier = rates.look([&](std::size_t index) { return is_out(endpoints[index]); });
  if (!outlier) {
    return std::nullopt;
  }
  const auto& endpoint = endpoints[outlier->endpoint];
  if (!endpoint.health->put_out(now)) {
    return std::nullopt;
  }
  return SuccessJudge::Verdict{
      .backend = backend,
      .endpoint = endpoint.id,
      .why = fmt::format("fails {} of its requests, the others {}", percent(outlier->failing),
                         percent(outlier->others_failing))};
}

}  // namespace

void SuccessJudge::List::follow(const std::vector<Endpoint>& endpoints) {
  const auto same = [](const Endpoint& endpoint, std::uint32_t name) {
    return static_cast<std::uint32_t>(endpoint.id) == name;
  };
  if (std::ranges::equal(endpoints, rates.endpoints(), same)) {
    return;
  }
  std::vector<std::uint32_t> names;
  index.clear();
  for (const auto& endpoint : endpoints) {
    index.emplace(endpoint.id, names.size());
    names.push_back(static_cast<std::uint32_t>(endpoint.id));
  }
  rates.set_endpoints(names);
}

void SuccessJudge::List::add(const exchange::TryTally& tally) {
  if (const auto found = index.find(tally.endpoint); found != index.end()) {
    rates.add(found->second, {.tries = tally.tries, .failures = tally.failures});
  }
}

void SuccessJudge::watch_what_fails() {
  for (const auto& tally : tallies_) {
    if (tally.failures != 0) {
      watched_.try_emplace(tally.backend);
    }
  }
}

std::vector<SuccessJudge::Verdict> SuccessJudge::look(const exchange::Config& config,
                                                      EndpointHealth::Clock::time_point now) {
  watch_what_fails();
  const auto backend_of = [&](routing::BackendId id) {
    return config.backends.find(static_cast<std::size_t>(id));
  };
  absl::erase_if(watched_, [&](const auto& entry) { return backend_of(entry.first) == nullptr; });
  for (auto& [id, watched] : watched_) {
    watched.plain.follow(backend_of(id)->endpoints);
    watched.tls.follow(backend_of(id)->tls_endpoints);
  }
  for (const auto& tally : std::exchange(tallies_, {})) {
    if (const auto found = watched_.find(tally.backend); found != watched_.end()) {
      found->second.plain.add(tally);
      found->second.tls.add(tally);
    }
  }
  std::vector<Verdict> verdicts;
  for (auto& [id, watched] : watched_) {
    const auto* backend = backend_of(id);
    for (auto [endpoints, list] : {std::pair(&backend->endpoints, &watched.plain),
                                   std::pair(&backend->tls_endpoints, &watched.tls)}) {
      if (auto verdict = judge(id, *endpoints, list->rates, now)) {
        verdicts.push_back(std::move(*verdict));
      }
    }
  }
  absl::erase_if(watched_, [](const auto& entry) {
    return entry.second.plain.rates.is_idle() && entry.second.tls.rates.is_idle();
  });
  return verdicts;
}

}  // namespace portico::server
