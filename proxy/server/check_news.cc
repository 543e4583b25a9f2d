#include "proxy/server/check_news.h"

#include <utility>
#include <vector>

#include <fmt/format.h>

#include "proxy/server/checked_endpoints.h"

namespace portico::server {
namespace {

constexpr std::size_t kMostLines = 20;

}  // namespace

void CheckNews::look(const exchange::Config& config, const checks::CheckBook& book,
                     Ejections::News& news) {
  std::vector<std::string> lines;
  std::size_t untold = 0;
  absl::flat_hash_set<exchange::EndpointId> ill;
  absl::flat_hash_set<exchange::EndpointId> well;
  const auto tell = [&](const exchange::Backend& backend, const exchange::Endpoint& endpoint,
                        std::string_view what) {
    if (lines.size() == kMostLines) {
      ++untold;
      return;
    }
    lines.push_back(fmt::format("health check of endpoint {} of {} {}",
                                endpoint.address.to_string(),
                                routing::BackendSpec::name_of(backend.spec->key), what));
  };
  for_each_checked(config,
                   [&](const exchange::Backend& backend, const exchange::Endpoint& endpoint) {
                     const bool was_ill = ill_.contains(endpoint.id);
                     if (is_ill(endpoint)) {
                       if (ill.insert(endpoint.id).second && !was_ill) {
                         news.ejected.push_back(endpoint.id);
                         tell(backend, endpoint, "fails: " + book.reason(*endpoint.health));
                       }
                     } else if (was_ill && well.insert(endpoint.id).second) {
                       tell(backend, endpoint, "passes again");
                     }
                   });
  ill_ = std::move(ill);
  news.lines.insert(news.lines.end(), lines.begin(), lines.end());
  if (untold != 0) {
    news.lines.push_back(
        fmt::format("health checks of {} more endpoints fail or pass again", untold));
  }
}

std::string ill_endpoints(const exchange::Config& config, const checks::CheckBook& book,
                          std::string_view backend) {
  std::string text;
  config.backends.for_each([&](std::size_t /*id*/, const auto& candidate) {
    if (candidate->spec->key != backend) {
      return;
    }
    for_each_endpoint(*candidate, [&](const exchange::Endpoint& endpoint) {
      if (is_ill(endpoint)) {
        text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", endpoint.address.to_string(),
                            book.reason(*endpoint.health));
      }
    });
  });
  return text;
}

}  // namespace portico::server
