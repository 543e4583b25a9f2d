// What session affinity costs a request, by mode: reading its cookie and choosing its endpoint; and
// beginning a session, cookie included.
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "routing/affinity.h"
#include "routing/session_cookie.h"

namespace portico::routing {
namespace {

constexpr auto kNone = [](std::size_t) { return false; };

AffinityTable table(std::size_t count, bool persistent) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) {
    names.push_back("10.0.0." + std::to_string(i) + ":8080");
  }
  return persistent ? AffinityTable("shop/web:80", names)
                    : AffinityTable("shop/web:80", std::make_shared<const HashRing>(names));
}

void known_session(benchmark::State& state) {
  const auto sessions = table(static_cast<std::size_t>(state.range(0)), state.range(1) != 0);
  Lots lots(1);
  std::vector<std::string> cookies;
  for (int i = 0; i < 1'000; ++i) {
    const auto choice = sessions.draw(lots, kNone);
    cookies.push_back("theme=dark; _ga=GA1.2.1234567890.1234567890; INGRESSCOOKIE=" +
                      std::string(choice.new_key->text()) + "|" + std::string(sessions.backend()));
  }
  std::size_t next = 0;
  for (auto _ : state) {
    const auto key = find_session_key(cookies[next++ % 1'000], "INGRESSCOOKIE", sessions.backend());
    benchmark::DoNotOptimize(choose_by_affinity(sessions, key, false, lots, kNone).endpoint);
  }
}
BENCHMARK(known_session)->ArgNames({"endpoints", "persistent"})->ArgsProduct({{3, 1'000}, {0, 1}});

void new_session(benchmark::State& state) {
  const auto sessions = table(static_cast<std::size_t>(state.range(0)), state.range(1) != 0);
  Lots lots(1);
  const AffinitySpec spec;
  for (auto _ : state) {
    const auto choice = choose_by_affinity(sessions, "", false, lots, kNone);
    benchmark::DoNotOptimize(write_session_cookie(
        spec,
        {.key = choice.new_key->text(), .backend = sessions.backend(), .route_path = "/shop"}));
  }
}
BENCHMARK(new_session)->ArgNames({"endpoints", "persistent"})->ArgsProduct({{3, 1'000}, {0, 1}});

}  // namespace
}  // namespace portico::routing
