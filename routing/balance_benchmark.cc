// What one choice among 1,000 endpoints costs, by strategy.
#include <chrono>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "routing/balance.h"
#include "routing/edf.h"
#include "routing/endpoint_load.h"
#include "routing/hash_ring.h"
#include "routing/stable_hash.h"
#include "routing/weighted_lots.h"

namespace portico::routing {
namespace {

constexpr auto kNone = [](std::size_t) { return false; };
constexpr auto kTwoOut = [](std::size_t index) { return index == 3 || index == 500; };

std::vector<EndpointLoad> loads(std::size_t count) {
  std::vector<EndpointLoad> all(count);
  Lots lots(1);
  for (auto& load : all) {
    for (auto open = lots.below(20); open > 0; --open) {
      load.began();
    }
    load.answered(std::chrono::microseconds(lots.below(100'000)), EndpointLoad::Clock::now());
  }
  return all;
}

constexpr auto kWhole = [](std::size_t) { return kWholePart; };

std::uint32_t weight_at(std::size_t index) {
  return static_cast<std::uint32_t>(1 + index % 10);
}

WeightTable weight_table(std::size_t count) {
  std::vector<std::uint32_t> weights;
  for (std::size_t i = 0; i < count; ++i) {
    weights.push_back(weight_at(i));
  }
  return WeightTable(weights);
}

std::vector<std::string> names(std::size_t count) {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < count; ++i) {
    all.push_back("10.0.0." + std::to_string(i) + ":8080");
  }
  return all;
}

void round_robin(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  RoundRobin turns;
  const auto name_at = [](std::size_t index) { return static_cast<std::uint32_t>(index); };
  for (auto _ : state) {
    benchmark::DoNotOptimize(turns.pick(count, name_at, kTwoOut));
  }
}
BENCHMARK(round_robin)->Arg(3)->Arg(1'000);

void round_robin_by_weight(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  WeightedTurns turns;
  const auto name_at = [](std::size_t index) { return static_cast<std::uint32_t>(index); };
  const auto share_at = [](std::size_t index) { return weight_at(index) * kWholePart; };
  for (auto _ : state) {
    benchmark::DoNotOptimize(turns.pick(&state, count, name_at, share_at, kTwoOut));
  }
}
BENCHMARK(round_robin_by_weight)->Arg(3)->Arg(1'000);

void random_one(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  Lots lots(1);
  for (auto _ : state) {
    benchmark::DoNotOptimize(pick_random(count, lots, kTwoOut));
  }
}
BENCHMARK(random_one)->Arg(3)->Arg(1'000);

void random_by_weight(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  const auto table = weight_table(count);
  Lots lots(1);
  for (auto _ : state) {
    benchmark::DoNotOptimize(pick_by_weight(count, table, lots, weight_at, kWhole, kTwoOut));
  }
}
BENCHMARK(random_by_weight)->Arg(3)->Arg(1'000);

void least_requests(benchmark::State& state) {
  const auto all = loads(static_cast<std::size_t>(state.range(0)));
  Lots lots(1);
  for (auto _ : state) {
    const auto [one, other] = pick_two(all.size(), lots, kTwoOut);
    benchmark::DoNotOptimize(has_fewer_open(all[other], all[one]) ? other : one);
  }
}
BENCHMARK(least_requests)->Arg(3)->Arg(1'000);

void least_requests_by_weight(benchmark::State& state) {
  const auto all = loads(static_cast<std::size_t>(state.range(0)));
  const auto table = weight_table(all.size());
  Lots lots(1);
  for (auto _ : state) {
    const auto [one, other] =
        pick_two_by_weight(all.size(), table, lots, weight_at, kWhole, kTwoOut);
    benchmark::DoNotOptimize(has_fewer_open(all[other], all[one], weight_at(other) * kWholePart,
                                            weight_at(one) * kWholePart)
                                 ? other
                                 : one);
  }
}
BENCHMARK(least_requests_by_weight)->Arg(3)->Arg(1'000);

void ewma(benchmark::State& state) {
  const auto all = loads(static_cast<std::size_t>(state.range(0)));
  const auto now = EndpointLoad::Clock::now();  // as of the request: no clock is read to choose
  Lots lots(1);
  for (auto _ : state) {
    const auto [one, other] = pick_two(all.size(), lots, kTwoOut);
    benchmark::DoNotOptimize(is_faster(all[other], all[one], now) ? other : one);
  }
}
BENCHMARK(ewma)->Arg(3)->Arg(1'000);

void ewma_by_weight(benchmark::State& state) {
  const auto all = loads(static_cast<std::size_t>(state.range(0)));
  const auto table = weight_table(all.size());
  const auto now = EndpointLoad::Clock::now();
  Lots lots(1);
  for (auto _ : state) {
    const auto [one, other] =
        pick_two_by_weight(all.size(), table, lots, weight_at, kWhole, kTwoOut);
    benchmark::DoNotOptimize(is_faster(all[other], all[one], now, weight_at(other) * kWholePart,
                                       weight_at(one) * kWholePart)
                                 ? other
                                 : one);
  }
}
BENCHMARK(ewma_by_weight)->Arg(3)->Arg(1'000);

void hashing(benchmark::State& state) {
  const HashRing ring(names(static_cast<std::size_t>(state.range(0))));
  Lots lots(1);
  std::string key = "user-00000000";
  for (auto _ : state) {
    key[6] = static_cast<char>('0' + lots.below(10));
    key[9] = static_cast<char>('0' + lots.below(10));
    benchmark::DoNotOptimize(ring.find(stable_hash(key), kTwoOut));
  }
}
BENCHMARK(hashing)->Arg(3)->Arg(1'000);

void build_ring(benchmark::State& state) {
  const auto all = names(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    benchmark::DoNotOptimize(HashRing(all).find(1, kNone));
  }
}
BENCHMARK(build_ring)->Arg(3)->Arg(1'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace portico::routing
