#include "proxy/server/ejections.h"

#include <utility>

#include <fmt/format.h>

#include "proxy/exchange/endpoint_health.h"

namespace portico::server {
namespace {

constexpr std::size_t kMostLines = 20;

}  // namespace

bool is_ejected(const exchange::Endpoint& endpoint) {
  return endpoint.health != nullptr && endpoint.health->state().is_out();
}

std::string ejected_endpoints(const exchange::Config& config, std::string_view backend) {
  std::string text;
  config.backends.for_each([&](std::size_t /*id*/, const auto& candidate) {
    if (candidate->spec->key != backend) {
      return;
    }
    for (const auto* endpoints : {&candidate->endpoints, &candidate->tls_endpoints}) {
      for (const auto& endpoint : *endpoints) {
        if (is_ejected(endpoint)) {
          text += (text.empty() ? "" : ", ") + endpoint.address.to_string();
        }
      }
    }
  });
  return text;
}

Ejections::News Ejections::look(const exchange::Config& config) {
  News news;
  std::size_t untold = 0;
  absl::flat_hash_set<exchange::EndpointId> out;
  absl::flat_hash_set<exchange::EndpointId> returned;
  const auto tell = [&](const exchange::Backend& backend, const exchange::Endpoint& endpoint,
                        std::string_view what) {
    if (news.lines.size() == kMostLines) {
      ++untold;
      return;
    }
    news.lines.push_back(fmt::format("endpoint {} of {} {}", endpoint.address.to_string(),
                                     routing::BackendSpec::name_of(backend.spec->key), what));
  };
  const auto look_at = [&](const exchange::Backend& backend, const exchange::Endpoint& endpoint) {
    const bool was_out = out_.contains(endpoint.id);
    if (is_ejected(endpoint)) {
      if (out.insert(endpoint.id).second && !was_out) {
        news.ejected.push_back(endpoint.id);
        const auto why = whys_.find(endpoint.id);
        tell(backend, endpoint,
             (why == whys_.end() ? std::string("fails") : why->second) + ", and is ejected");
      }
    } else if (was_out && returned.insert(endpoint.id).second) {
      tell(backend, endpoint, "is back");
    }
  };
  config.backends.for_each([&](std::size_t /*id*/, const auto& backend) {
    for (const auto* endpoints : {&backend->endpoints, &backend->tls_endpoints}) {
      for (const auto& endpoint : *endpoints) {
        look_at(*backend, endpoint);
      }
    }
  });
  if (untold != 0) {
    news.lines.push_back(fmt::format("{} more endpoints are ejected or back", untold));
  }
  out_ = std::move(out);
  whys_.clear();
  return news;
}

}  // namespace portico::server
