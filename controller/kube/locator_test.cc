#include "controller/kube/locator.h"

#include <gtest/gtest.h>

#include "routing/testing/temp_folder.h"

namespace portico::kube {
namespace {

constexpr const char* kYaml = R"(apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  namespace: shop
  annotations:
    nginx.ingress.kubernetes.io/foo: "1"
spec:
  rules:
  - host: a.example.com
  - host: b.example.com
    http:
      paths:
      - path: /x
        pathType: Prefix
        backend: {service: {name: s, port: {number: 1}}}
      - path: /y
        pathType: Prefix
        backend:
          service:
            name: s
            port:
              number: 80
)";

struct Row {
  const char* field;
  int line;
};

constexpr Row kRows[] = {
    {"", 5},
    {"spec", 12},
    {"spec.rules[0].host", 14},
    {"spec.rules[1].http.paths[1].backend.service.port.number", 27},
    {"spec.rules[1].http.paths[1].backend.service.port.name", 26},
    {"spec.rules[7].host", 13},
    {"metadata.annotations[nginx.ingress.kubernetes.io/foo]", 11},
    {"metadata.annotations.nginx.ingress.kubernetes.io/foo", 11},
    {"metadata.annotations[no.such/one]", 10},
    {"spec.tls[0]", 12},
    {"[[..]", 5},
};

Metadata object(const std::filesystem::path& file, int line) {
  Metadata meta;
  meta.name = "web";
  meta.namespace_ = "shop";
  meta.origin = {std::make_shared<const std::string>(file.string()), line, 0};
  return meta;
}

TEST(Locator, FindsTheFieldOrWhatIsAroundIt) {
  const TempFolder folder;
  const auto file = folder.write("a.yaml", kYaml);
  Locator locator;
  for (const Row& row : kRows) {
    EXPECT_EQ(locator.line("Ingress", object(file, 5), row.field), row.line) << row.field;
    EXPECT_EQ(locator.line("Ingress", object(file, 1), row.field), row.line) << row.field;
  }
  EXPECT_EQ(locator.line("Service", object(file, 1), "metadata.name"), 3);
}

TEST(Locator, FindsLinesInJsonAndInLists) {
  const TempFolder folder;
  const auto file = folder.write("a.json", R"({
  "apiVersion": "v1",
  "kind": "List",
  "items": [
    {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "other"}},
    {
      "apiVersion": "v1",
      "kind": "Service",
      "metadata": {"name": "web", "namespace": "shop"},
      "spec": {
        "ports": [
          {"port": 80}
        ]
      }
    }
  ]
}
)");
  EXPECT_EQ(Locator().line("Service", object(file, 1), "spec.ports[0].port"), 12);
}

TEST(Locator, FindsASecretsTextUnderStringDataToo) {
  const TempFolder folder;
  const auto file =
      folder.write("a.yaml",
                   "apiVersion: v1\nkind: Secret\nmetadata: {name: web, namespace: shop}\n"
                   "stringData:\n  tls.key: x\n  tls.crt: y\n");
  EXPECT_EQ(Locator().line("Secret", object(file, 1), "data[tls.crt]"), 6);
}

TEST(Locator, FileThatIsGoneAnswersWithTheDocumentsLine) {
  EXPECT_EQ(Locator().line("Ingress", object("/no/such/file", 7), "spec"), 7);
}

TEST(Locator, SetsTheLinesOfDiagnostics) {
  const TempFolder folder;
  const auto file = folder.write("a.yaml", kYaml);
  routing::Diagnostics found = {{.object = {"Ingress", "shop", "web"},
                                 .field = "spec.rules[0].host",
                                 .file = file.string(),
                                 .line = 5},
                                {.object = {"Ingress", "shop", "web"},
                                 .message = "of the whole",
                                 .file = file.string(),
                                 .line = 9},
                                {.message = "no file"}};
  Locator().locate(found);
  EXPECT_EQ(found[0].line, 14);
  EXPECT_EQ(found[1].line, 9);
  EXPECT_EQ(found[2].line, 0);
}

}  // namespace
}  // namespace portico::kube
