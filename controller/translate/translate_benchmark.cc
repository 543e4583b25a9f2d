// Translation of 20,000 Ingresses and 5,000 Services: at once, and one change of it.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "controller/translate/translator.h"

namespace portico::translate {
namespace {

constexpr int kIngresses = 20'000;
constexpr int kServices = 5'000;

template <class Kind>
Kind named(std::string name) {
  Kind object;
  object.meta.namespace_ = "default";
  object.meta.name = std::move(name);
  return object;
}

kube::Change change_of(kube::Object object) {
  const auto key = kube::key_of(object);
  return {key, std::make_shared<const kube::Object>(std::move(object))};
}

kube::Change ingress(int i, const char* path) {
  auto object = named<kube::Ingress>(fmt::format("ingress-{}", i));
  object.class_name = "portico";
  kube::IngressBackend backend{.service = fmt::format("service-{}", i % kServices),
                               .port = {.number = 80}};
  object.rules.push_back({fmt::format("host-{}.example.com", i),
                          {{path, "Prefix", backend}, {"/static", "Exact", backend}}});
  return change_of(std::move(object));
}

kube::Change service(int i) {
  auto object = named<kube::Service>(fmt::format("service-{}", i));
  object.ports.push_back({.name = "http", .protocol = "TCP", .port = 80});
  return change_of(std::move(object));
}

kube::Change slice(int i, int last_byte) {
  auto object = named<kube::EndpointSlice>(fmt::format("slice-{}", i));
  object.service = fmt::format("service-{}", i);
  object.ports.push_back({.name = "http", .protocol = "TCP", .port = 8080});
  object.endpoints.push_back({.addresses = {fmt::format("10.0.0.{}", last_byte)}});
  object.endpoints.push_back({.addresses = {fmt::format("10.0.1.{}", last_byte)}});
  return change_of(std::move(object));
}

std::vector<kube::Change> cluster() {
  std::vector<kube::Change> changes;
  for (int i = 0; i < kServices; ++i) {
    changes.push_back(service(i));
    changes.push_back(slice(i, 1));
  }
  for (int i = 0; i < kIngresses; ++i) {
    changes.push_back(ingress(i, "/"));
  }
  return changes;
}

void FullBuild(benchmark::State& state) {
  const auto changes = cluster();
  for (auto _ : state) {
    Translator translator(Options{});
    translator.apply(changes);
    benchmark::DoNotOptimize(translator.snapshot());
  }
}
BENCHMARK(FullBuild)->Unit(benchmark::kMillisecond);

// As in serving: each version is copied out and held.
void OneIngress(benchmark::State& state) {
  Translator translator(Options{});
  translator.apply(cluster());
  auto held = translator.snapshot();
  int i = 0;
  for (auto _ : state) {
    const auto change = ingress(i % kIngresses, i % 2 == 0 ? "/a" : "/b");
    ++i;
    translator.apply({&change, 1});
    held = translator.snapshot();
  }
}
BENCHMARK(OneIngress)->Unit(benchmark::kMicrosecond);

void OneSlice(benchmark::State& state) {
  Translator translator(Options{});
  translator.apply(cluster());
  auto held = translator.snapshot();
  int i = 0;
  for (auto _ : state) {
    const auto change = slice(i % kServices, i % 2 == 0 ? 2 : 3);
    ++i;
    translator.apply({&change, 1});
    held = translator.snapshot();
  }
}
BENCHMARK(OneSlice)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace portico::translate
