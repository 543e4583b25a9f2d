// Reading YAML: 20,000 Ingresses, 5,000 Services and 5,000 EndpointSlices, in one file, in 100, and
// in 30,000.
#include <fstream>
#include <malloc.h>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "controller/kube/document_reader.h"
#include "controller/kube/manifest_source.h"
#include "routing/testing/temp_folder.h"

namespace portico::kube {
namespace {

std::string ingress(int i) {
  return fmt::format(R"(---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web-{0}
  namespace: team-{1}
  annotations:
    nginx.ingress.kubernetes.io/proxy-body-size: 8m
spec:
  ingressClassName: portico
  rules:
  - host: web-{0}.example.com
    http:
      paths:
      - path: /
        pathType: Prefix
        backend:
          service:
            name: api-{2}
            port:
              number: 80
)",
                     i, i % 100, i % 5000);
}

std::string service(int i) {
  return fmt::format(R"(---
apiVersion: v1
kind: Service
metadata: {{name: api-{0}, namespace: team-{1}}}
spec:
  ports:
  - {{name: http, port: 80, targetPort: 8080}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: api-{0}-x
  namespace: team-{1}
  labels: {{kubernetes.io/service-name: api-{0}}}
addressType: IPv4
endpoints:
- addresses: [10.0.{2}.1]
  conditions: {{ready: true}}
- addresses: [10.0.{2}.2]
  conditions: {{ready: true}}
ports:
- {{name: http, port: 8080}}
)",
                     i, i % 100, i % 250);
}

// The objects' texts, in `files` files.
std::size_t write_manifests(const TempFolder& folder, int files) {
  std::vector<std::string> texts;
  for (int i = 0; i < 20'000; ++i) {
    texts.push_back(ingress(i));
  }
  for (int i = 0; i < 5'000; ++i) {
    texts.push_back(service(i));
  }
  std::size_t bytes = 0;
  const int each = (static_cast<int>(texts.size()) + files - 1) / files;
  for (int file = 0; file < files; ++file) {
    std::string text;
    for (int i = file * each; i < std::min<int>((file + 1) * each, texts.size()); ++i) {
      text += texts[i];
    }
    bytes += text.size();
    folder.write(fmt::format("{:02}/{}.yaml", file % 100, file), text);
  }
  return bytes;
}

void BM_ReadManifests(benchmark::State& state) {
  const TempFolder folder;
  const std::size_t bytes = write_manifests(folder, static_cast<int>(state.range(0)));
  const std::vector<std::filesystem::path> paths = {folder.path()};
  std::size_t used = 0;
  for (auto _ : state) {
    malloc_trim(0);
    const std::size_t before = mallinfo2().uordblks;
    const auto read = read_manifests(paths);
    used = mallinfo2().uordblks - before;
    state.counters["objects"] = static_cast<double>(read->objects.size());
    state.counters["bytes_each"] =
        static_cast<double>(used) / static_cast<double>(read->objects.size());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes));
}
BENCHMARK(BM_ReadManifests)
    ->Arg(1)
    ->Arg(100)
    ->Arg(25'000)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

void BM_DecodeIngress(benchmark::State& state) {
  const std::string text = ingress(1);
  const auto file = std::make_shared<const std::string>("a.yaml");
  Document scratch;
  for (auto _ : state) {
    Decoded out;
    decode_yaml(text, 1, file, scratch, out);
    benchmark::DoNotOptimize(out);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(BM_DecodeIngress);

// What of it is not yaml-cpp's.
void BM_DecodeIngressJson(benchmark::State& state) {
  const std::string text =
      R"({"apiVersion":"networking.k8s.io/v1","kind":"Ingress","metadata":{"name":"web","namespace":"a"},"spec":)"
      R"({"rules":[{"host":"a.example.com","http":{"paths":[{"path":"/","pathType":"Prefix","backend":)"
      R"({"service":{"name":"api","port":{"number":80}}}}]}}]}})";
  const auto file = std::make_shared<const std::string>("a.json");
  Document scratch;
  for (auto _ : state) {
    Decoded out;
    decode_json(text, file, scratch, out);
    benchmark::DoNotOptimize(out);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(BM_DecodeIngressJson);

}  // namespace
}  // namespace portico::kube
