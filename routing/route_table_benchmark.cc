// A new version of the table, ten paths a host. What a match costs in it: proxy/server, which says
// where the routes lie.
#include <benchmark/benchmark.h>

#include "routing/route_table.h"
#include "routing/testing/many_hosts.h"
#include "routing/testing/specs.h"

namespace portico::routing {
namespace {

RouteTable make_table(std::uint32_t hosts) {
  RouteTable table;
  testing::NumberedHost name;
  const auto policy = std::make_shared<const Policy>();
  for (std::uint32_t i = 0; i < hosts; ++i) {
    HostSpec spec{.host = testing::hostname(name.with(i))};
    for (const auto* path : testing::kTenPaths) {
      RouteSpec route{.kind = PathKind::kPrefix, .path = path, .policy = policy};
      spec.routes.push_back(std::make_shared<const RouteSpec>(std::move(route)));
    }
    table.set_host(spec.host.text(),
                   HostRoutes::compile(spec, [i](std::string_view) { return BackendId(i); }));
  }
  return table;
}

// What one changed host costs: a new version of the table with it.
void replace_one_host(benchmark::State& state) {
  const auto hosts = static_cast<std::uint32_t>(state.range(0));
  auto table = make_table(hosts);
  auto spec = testing::host_spec(testing::NumberedHost().with(1),
                                 {testing::rule(PathKind::kPrefix, "/new")});
  for (auto _ : state) {
    auto next = table;
    next.set_host(spec.host.text(),
                  HostRoutes::compile(spec, [](std::string_view) { return BackendId{1}; }));
    table = std::move(next);
  }
}
BENCHMARK(replace_one_host)->Arg(10)->Arg(1'000)->Arg(100'000);

}  // namespace
}  // namespace portico::routing
