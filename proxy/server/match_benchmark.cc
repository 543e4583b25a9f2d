// Matching at uniformly random hosts and paths in a compiled Config, ten paths a host: most of the
// cost is waiting for memory.
#include <random>
#include <string>

#include <benchmark/benchmark.h>

#include "proxy/server/config_compiler.h"
#include "routing/testing/many_hosts.h"
#include "routing/testing/specs.h"
#include "tls/self_signed.h"

namespace portico::server {
namespace {

constexpr const char* kRequests[] = {"/",
                                     "/api/x42",
                                     "/api/v1/items/42",
                                     "/api/v1/users/42/name",
                                     "/login",
                                     "/static/css/main.css",
                                     "/static/js/main.js",
                                     "/admin/x",
                                     "/health",
                                     "/api/v2/x"};

routing::Snapshot snapshot_of(std::uint32_t hosts) {
  routing::Snapshot snapshot;
  routing::testing::NumberedHost name;
  const auto policy = std::make_shared<const routing::Policy>();
  for (std::uint32_t i = 0; i < hosts; ++i) {
    auto spec = std::make_shared<routing::HostSpec>();
    spec->host = routing::testing::hostname(name.with(i));
    for (const auto* path : routing::testing::kTenPaths) {
      spec->routes.push_back(std::make_shared<const routing::RouteSpec>(
          routing::RouteSpec{.kind = routing::PathKind::kPrefix, .path = path, .policy = policy}));
    }
    snapshot.hosts.set(std::string(name.with(i)), std::move(spec));
  }
  return snapshot;
}

// The request's text is in the cache, as it is when it was just parsed; the table's memory is not.
void match(benchmark::State& state) {
  const auto hosts = static_cast<std::uint32_t>(state.range(0));
  ConfigCompiler compiler(tls::make_self_signed());
  const auto config = compiler.compile(snapshot_of(hosts));
  routing::testing::NumberedHost name;
  std::minstd_rand random;
  for (auto _ : state) {
    const auto* path = kRequests[random() % std::size(kRequests)];
    const auto found = config->routes.match({name.with(random() % hosts), path});
    benchmark::DoNotOptimize(found.route->backend);
  }
}
BENCHMARK(match)->Arg(10)->Arg(1'000)->Arg(100'000);

}  // namespace
}  // namespace portico::server
