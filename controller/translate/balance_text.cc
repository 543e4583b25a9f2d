#include "controller/translate/balance_text.h"

#include <array>
#include <string_view>

#include <fmt/format.h>

#include "controller/translate/circuit_values.h"

namespace portico::translate {
namespace {

// By its length, so that no text can look like what follows it.
void add_text(std::string& to, std::string_view what, std::string_view value) {
  to.append(fmt::format(";{}={}:{}", what, value.size(), value));
}

void add_affinity(std::string& to, const routing::AffinitySpec& affinity) {
  constexpr std::array<std::string_view, 4> kSameSite{"", "strict", "lax", "none"};
  add_text(to, "cookie", affinity.cookie_name);
  add_text(to, "path", affinity.path);
  add_text(to, "domain", affinity.domain);
  const auto seconds = [](const auto& value) { return value ? std::to_string(*value) : "-"; };
  to.append(fmt::format(";samesite={}{}", kSameSite[static_cast<std::size_t>(affinity.same_site)],
                        affinity.conditional_same_site_none ? "?" : ""));
  to.append(fmt::format(";secure={}", affinity.secure ? (*affinity.secure ? "on" : "off") : "-"));
  to.append(fmt::format(";expires={};max-age={}", seconds(affinity.expires_seconds),
                        seconds(affinity.max_age_seconds)));
  to.append(affinity.partitioned ? ";partitioned" : "");
  to.append(affinity.change_on_failure ? ";change-on-failure" : "");
  to.append(affinity.persistent ? ";persistent" : "");
}

void add_health_check(std::string& to, const routing::HealthCheckSpec& check) {
  constexpr std::array<std::string_view, 3> kKinds{"tcp", "http", "grpc"};
  to.append(fmt::format(";check={};every={}/{};after={}/{};port={}",
                        kKinds[static_cast<std::size_t>(check.kind)], check.interval.count(),
                        check.timeout.count(), check.unhealthy_after, check.healthy_after,
                        check.port));
  add_text(to, "path", check.path);
  add_text(to, "host", check.host);
  add_text(to, "service", check.grpc_service);
  to.append(";good=");
  for (const auto& range : check.statuses) {
    to.append(fmt::format("{}-{},", range.first, range.last));
  }
}

}  // namespace

std::string balance_text(const routing::BalanceSpec& balance) {
  constexpr std::array<std::string_view, 4> kStrategies{"round_robin", "least_requests", "ewma",
                                                        "random"};
  std::string text;
  if (balance.strategy) {
    text.append(";lb=").append(kStrategies[static_cast<std::size_t>(*balance.strategy)]);
  }
  if (!balance.hash_by.empty()) {
    add_text(text, "hash", balance.hash_by);
  }
  if (balance.hash_subset || balance.hash_subset_size != routing::BalanceSpec().hash_subset_size) {
    text.append(
        fmt::format(";subset={}{}", balance.hash_subset ? "on" : "off", balance.hash_subset_size));
  }
  if (balance.slow_start) {
    text.append(fmt::format(";slow-start={}", balance.slow_start->count()));
  }
  if (balance.panic_percent) {
    text.append(fmt::format(";panic={}", *balance.panic_percent));
  }
  if (balance.affinity) {
    add_affinity(text, *balance.affinity);
  }
  if (balance.health_check) {
    add_health_check(text, *balance.health_check);
  }
  text.append(circuit_text(balance.circuit));
  return text;
}

}  // namespace portico::translate
