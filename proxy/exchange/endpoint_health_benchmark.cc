// What an endpoint's health costs a request that finds it well, what counting its tries does, and
// what a failure and the answer that ends its count do.
#include <vector>

#include <benchmark/benchmark.h>

#include "proxy/exchange/endpoint_health.h"
#include "proxy/exchange/try_tallies.h"

namespace portico::exchange {
namespace {

void pick_and_answer(benchmark::State& state) {
  EndpointHealthTable table;
  std::vector<EndpointHealth*> endpoints;
  for (std::uint32_t id = 0; id < state.range(0); ++id) {
    endpoints.push_back(table.take(EndpointId{id}));
  }
  const auto now = EndpointHealth::Clock::now();
  std::size_t index = 0;
  for (auto _ : state) {
    index = (index * 1'664'525 + 1'013'904'223) % endpoints.size();
    auto& health = *endpoints[index];
    benchmark::DoNotOptimize(health.is_shut(now));
    benchmark::DoNotOptimize(health.enter(now));
    benchmark::DoNotOptimize(health.has_counted());
  }
}
BENCHMARK(pick_and_answer)->Arg(3)->Arg(1'000)->Arg(50'000);

// What counting tries adds to an answer.
void count_a_try(benchmark::State& state) {
  TryTallies tallies;
  const auto endpoints = static_cast<std::uint32_t>(state.range(0));
  std::uint32_t index = 0;
  for (auto _ : state) {
    index = (index * 1'664'525 + 1'013'904'223) % endpoints;
    tallies.count(routing::BackendId{0}, EndpointId{index}, false);
  }
  benchmark::DoNotOptimize(tallies.take());
}
BENCHMARK(count_a_try)->Arg(3)->Arg(1'000)->Arg(50'000);

void fail_and_answer(benchmark::State& state) {
  EndpointHealthTable table;
  auto& health = *table.take(EndpointId{0});
  const auto now = EndpointHealth::Clock::now();
  for (auto _ : state) {
    health.report(routing::TryOutcome::kFailed, false, {}, now);
    health.report(routing::TryOutcome::kAnswered, false, {}, now);
  }
}
BENCHMARK(fail_and_answer);

}  // namespace
}  // namespace portico::exchange
