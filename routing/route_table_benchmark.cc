// Matching at uniformly random hosts and paths, ten paths a host: most of the cost is waiting for
// memory.
#include <random>

#include <benchmark/benchmark.h>

#include "routing/route_table.h"
#include "routing/testing/specs.h"

namespace portico::routing {
namespace {

constexpr int kRequests = 1 << 16;

constexpr const char* kPaths[] = {"/",       "/api",        "/api/v1/items", "/api/v1/users",
                                  "/login",  "/static/css", "/static/js",    "/admin",
                                  "/health", "/api/v2"};

std::string host_name(int i) {
  return "service-" + std::to_string(i) + ".team.example.com";
}

RouteTable make_table(int hosts) {
  RouteTable table;
  const auto policy = std::make_shared<const Policy>();
  for (int i = 0; i < hosts; ++i) {
    HostSpec spec{.host = testing::hostname(host_name(i))};
    for (const auto* path : kPaths) {
      RouteSpec route{.kind = PathKind::kPrefix, .path = path, .policy = policy};
      spec.routes.push_back(std::make_shared<const RouteSpec>(std::move(route)));
    }
    table.set_host(spec.host.text(),
                   HostRoutes::compile(spec, [i](std::string_view) { return BackendId(i); }));
  }
  return table;
}

struct Request {
  std::string host;
  std::string path;
};

std::vector<Request> make_requests(int hosts) {
  std::mt19937 random(1);
  std::vector<Request> requests;
  for (int i = 0; i < kRequests; ++i) {
    requests.push_back({host_name(static_cast<int>(random() % hosts)),
                        std::string(kPaths[random() % std::size(kPaths)]) + "/x42"});
  }
  return requests;
}

void match(benchmark::State& state) {
  const auto hosts = static_cast<int>(state.range(0));
  const auto table = make_table(hosts);
  const auto requests = make_requests(hosts);
  std::size_t next = 0;
  for (auto _ : state) {
    const auto& request = requests[next++ % kRequests];
    const auto found = table.match({request.host, request.path});
    benchmark::DoNotOptimize(found.route->backend);
  }
}
BENCHMARK(match)->Arg(10)->Arg(1'000)->Arg(100'000);

// What one changed host costs: a new version of the table with it.
void replace_one_host(benchmark::State& state) {
  const auto hosts = static_cast<int>(state.range(0));
  auto table = make_table(hosts);
  auto spec = testing::host_spec(host_name(1), {testing::rule(PathKind::kPrefix, "/new")});
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
