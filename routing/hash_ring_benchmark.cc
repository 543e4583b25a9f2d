// What a hash ring costs: a choice, a choice where the key's own endpoint is out, a subset, and
// making one anew or over.
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "routing/balance.h"
#include "routing/hash_ring.h"

namespace portico::routing {
namespace {

constexpr auto kNone = [](std::size_t) { return false; };

std::vector<std::string> names(std::size_t count) {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < count; ++i) {
    all.push_back("10.0.0." + std::to_string(i) + ":8080");
  }
  return all;
}

std::vector<std::uint32_t> weights(std::size_t count, bool differ) {
  std::vector<std::uint32_t> all(count, 1);
  for (std::size_t i = 0; differ && i < count; ++i) {
    all[i] += static_cast<std::uint32_t>(i % 10);
  }
  return all;
}

HashRing ring_of(const benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  return HashRing(names(count), weights(count, state.range(1) != 0));
}

// As it is after a while.
const HashRing& learned(const HashRing& ring) {
  for (std::uint64_t slot = 0; slot < HashRing::kSlots; ++slot) {
    benchmark::DoNotOptimize(ring.at(slot << (64 - HashRing::kSlotBits)));
  }
  return ring;
}

void ring_choice(benchmark::State& state) {
  const auto ring = ring_of(state);
  learned(ring);
  Lots lots(1);
  for (auto _ : state) {
    benchmark::DoNotOptimize(ring.find(lots.next(), kNone));
  }
}
BENCHMARK(ring_choice)
    ->ArgNames({"endpoints", "weighted"})
    ->ArgsProduct({{3, 10, 32, HashRing::kFew, HashRing::kFew + 1, 100, 1'000}, {0, 1}});

// For the first key of each slot.
void ring_first_choice(benchmark::State& state) {
  const auto ring = ring_of(state);
  std::uint64_t slot = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(ring.find(slot++ << (64 - HashRing::kSlotBits), kNone));
  }
}
BENCHMARK(ring_first_choice)
    ->ArgNames({"endpoints", "weighted"})
    ->ArgsProduct({{HashRing::kFew + 1, 100, 1'000}, {0, 1}})
    ->Iterations(100'000);

void ring_choice_own_is_out(benchmark::State& state) {
  const auto ring = ring_of(state);
  Lots lots(1);
  for (auto _ : state) {
    const auto hash = lots.next();
    const auto own = ring.at(hash);
    benchmark::DoNotOptimize(ring.find(hash, [own](std::size_t index) { return index == own; }));
  }
}
BENCHMARK(ring_choice_own_is_out)
    ->ArgNames({"endpoints", "weighted"})
    ->ArgsProduct({{3, 100, 1'000}, {0, 1}});

void ring_choice_all_are_out(benchmark::State& state) {
  const auto ring = ring_of(state);
  Lots lots(1);
  for (auto _ : state) {
    benchmark::DoNotOptimize(ring.find(lots.next(), [](std::size_t) { return true; }));
  }
}
BENCHMARK(ring_choice_all_are_out)->ArgNames({"endpoints", "weighted"})->Args({1'000, 0});

void ring_subset(benchmark::State& state) {
  const auto ring = ring_of(state);
  std::array<std::uint16_t, HashRing::kMostSeveral> found{};
  Lots lots(1);
  for (auto _ : state) {
    const auto size = static_cast<std::size_t>(state.range(2));
    benchmark::DoNotOptimize(ring.find_several(lots.next(), std::span(found).first(size)));
  }
}
BENCHMARK(ring_subset)
    ->ArgNames({"endpoints", "weighted", "size"})
    ->ArgsProduct({{10, 100, 1'000}, {0}, {3, 64}});

void ring_made(benchmark::State& state) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(ring_of(state).at(1));
  }
}
BENCHMARK(ring_made)
    ->ArgNames({"endpoints", "weighted"})
    ->ArgsProduct({{3, 32, 100, 1'000}, {0, 1}})
    ->Unit(benchmark::kMillisecond);

void ring_made_over(benchmark::State& state, bool one_comes) {
  const auto more = names(static_cast<std::size_t>(state.range(0)));
  const auto fewer = std::span(more).first(more.size() - 1);
  const HashRing before(one_comes ? fewer : more);
  learned(before);
  for (auto _ : state) {
    benchmark::DoNotOptimize(HashRing(one_comes ? more : fewer, {}, &before).at(1));
  }
}
BENCHMARK_CAPTURE(ring_made_over, one_goes, false)
    ->Arg(100)
    ->Arg(1'000)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(ring_made_over, one_comes, true)
    ->Arg(100)
    ->Arg(1'000)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace portico::routing
