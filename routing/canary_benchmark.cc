// What choosing between a route and its canary costs a request that has one; others pay for a look
// at a null pointer.
#include <benchmark/benchmark.h>

#include "routing/canary.h"

namespace portico::routing {
namespace {

void choose(benchmark::State& state, const CanaryRule& rule, const CanaryFacts& facts) {
  Lots lots(7);
  for (auto _ : state) {
    benchmark::DoNotOptimize(choose_canary(rule, facts, lots));
  }
}

void canary_by_weight(benchmark::State& state) {
  choose(state, {.weight = 10}, {});
}
BENCHMARK(canary_by_weight);

void canary_by_header(benchmark::State& state) {
  choose(state, {.header = "X-Canary"}, {.header = "always"});
}
BENCHMARK(canary_by_header);

void canary_by_pattern(benchmark::State& state) {
  choose(state, {.header = "X-User", .header_pattern = *TextPattern::parse("^(alice|bob)$")},
         {.header = "bob"});
}
BENCHMARK(canary_by_pattern);

}  // namespace
}  // namespace portico::routing
