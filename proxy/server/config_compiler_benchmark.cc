// Publishing: a Snapshot in which one thing changed, compiled to a Config. The cost must follow the
// change and not the number of hosts.
#include <string>

#include <benchmark/benchmark.h>

#include "proxy/server/config_compiler.h"
#include "tls/self_signed.h"

namespace portico::server {
namespace {

std::shared_ptr<const routing::RouteSpec> route_to(const std::string& backend) {
  auto spec = std::make_shared<routing::RouteSpec>();
  spec->path = "/";
  spec->backend = backend;
  spec->policy = std::make_shared<routing::Policy>();
  return spec;
}

void set_host(routing::Snapshot& snapshot, const std::string& name, const std::string& backend) {
  auto spec = std::make_shared<routing::HostSpec>();
  spec->host = *routing::Hostname::parse(name);
  spec->routes.push_back(route_to(backend));
  snapshot.hosts.set(name, std::move(spec));
}

void set_backend(routing::Snapshot& snapshot, const std::string& key, std::uint16_t port) {
  auto spec = std::make_shared<routing::BackendSpec>();
  spec->key = key;
  spec->endpoints.push_back({.address = "10.0.0.1", .port = port, .pod = {}});
  snapshot.backends.set(key, std::move(spec));
}

routing::Snapshot cluster(std::int64_t hosts) {
  routing::Snapshot snapshot;
  for (std::int64_t i = 0; i < hosts; ++i) {
    const auto number = std::to_string(i);
    set_backend(snapshot, "default/s" + number + ":80", static_cast<std::uint16_t>(1 + i % 60'000));
    set_host(snapshot, "h" + number + ".example.com", "default/s" + number + ":80");
  }
  return snapshot;
}

void PublishEverything(benchmark::State& state) {
  const auto snapshot = cluster(state.range(0));
  for (auto _ : state) {
    ConfigCompiler compiler(tls::make_self_signed());
    benchmark::DoNotOptimize(compiler.compile(snapshot));
  }
}
BENCHMARK(PublishEverything)->Arg(1'000)->Arg(20'000)->Unit(benchmark::kMillisecond);

void PublishOneChangedHost(benchmark::State& state) {
  auto snapshot = cluster(state.range(0));
  ConfigCompiler compiler(tls::make_self_signed());
  auto config = compiler.compile(snapshot);
  bool second = false;
  for (auto _ : state) {
    second = !second;
    set_host(snapshot, "h7.example.com", second ? "default/s8:80" : "default/s7:80");
    config = compiler.compile(snapshot);
  }
}
BENCHMARK(PublishOneChangedHost)->Arg(1'000)->Arg(20'000)->Unit(benchmark::kMicrosecond);

void PublishOneChangedEndpoint(benchmark::State& state) {
  auto snapshot = cluster(state.range(0));
  ConfigCompiler compiler(tls::make_self_signed());
  auto config = compiler.compile(snapshot);
  std::uint16_t port = 0;
  for (auto _ : state) {
    set_backend(snapshot, "default/s7:80", static_cast<std::uint16_t>(1000 + ++port % 1000));
    config = compiler.compile(snapshot);
  }
}
BENCHMARK(PublishOneChangedEndpoint)->Arg(1'000)->Arg(20'000)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace portico::server
