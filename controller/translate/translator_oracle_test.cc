// Whatever the changes and their order, the result is that of starting afresh from the objects that
// are left.
#include <random>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "controller/translate/host_build.h"
#include "controller/translate/testing/manifests.h"
#include "controller/translate/translator.h"
#include "tls/testing/certificates.h"

namespace portico::translate {
namespace {

using routing::Snapshot;

template <class Value, class Same>
void expect_same(const routing::SharedMap<Value>& actual, const routing::SharedMap<Value>& expected,
                 Same same, const char* what) {
  EXPECT_EQ(actual.size(), expected.size()) << what;
  expected.for_each([&](const std::string& key, const auto& value) {
    const auto* found = actual.find(key);
    ASSERT_NE(found, nullptr) << what << " " << key;
    EXPECT_TRUE(same(*found, *value)) << what << " " << key;
  });
}

void expect_same(const Translator& actual, const Translator& expected) {
  const Snapshot& a = actual.snapshot();
  const Snapshot& b = expected.snapshot();
  expect_same(a.hosts, b.hosts, same_host, "host");
  expect_same(a.backends, b.backends, std::equal_to<>{}, "backend");
  expect_same(a.certificates, b.certificates, std::equal_to<>{}, "certificate");
  EXPECT_EQ(*a.settings, *b.settings);
  ASSERT_EQ(a.default_route == nullptr, b.default_route == nullptr);
  EXPECT_TRUE(a.default_route == nullptr || same_route(*a.default_route, *b.default_route));
  EXPECT_EQ(testing::lines(actual.diagnostics()), testing::lines(expected.diagnostics()));
  EXPECT_EQ(actual.external_names(), expected.external_names());
}

// A small world of names, so that objects meet often.
class RandomObjects {
 public:
  explicit RandomObjects(unsigned seed) : random_(seed) {
    for (const auto& names : std::vector<std::vector<std::string>>{
             {"a.example.com"}, {"*.example.com"}, {"b.example.com", "c.example.com"}}) {
      pairs_.push_back(tls::testing::make_certificate({.names = names}));
    }
    authorities_ = {tls::testing::Authority().pem(), "nonsense"};
  }

  kube::Change next() {
    kube::Object object = any_object();
    const auto key = kube::key_of(object);
    if (below(4) == 0) {
      return {key, nullptr};
    }
    return {key, std::make_shared<const kube::Object>(std::move(object))};
  }

 private:
  int below(int bound) { return std::uniform_int_distribution<>(0, bound - 1)(random_); }

  template <class... Choices>
  std::string one_of(Choices... choices) {
    const std::array<std::string, sizeof...(choices)> all = {choices...};
    return all[static_cast<std::size_t>(below(sizeof...(choices)))];
  }

  std::string service_name() { return one_of("s1", "s2", "s3"); }
  std::string host() {
    return one_of("a.example.com", "b.example.com", "*.example.com", "", "bad_host:1");
  }

  kube::Object any_object() {
    switch (below(12)) {
      case 0:
        return service();
      case 1:
        return slice();
      case 2:
        return secret();
      case 3:
        return ingress_class();
      case 4:
        return authorities();
      case 5:
        return config_map();
      default:
        return ingress();
    }
  }

  template <class Kind>
  Kind named(const std::string& name) {
    Kind object;
    object.meta.name = name;
    object.meta.namespace_ = "default";
    return object;
  }

  // On Ingresses and Services.
  void note_balance(kube::Metadata& meta) {
    const auto name = one_of("affinity", "session-cookie-name", "affinity-mode", "load-balance",
                             "upstream-hash-by", "service-upstream", "nothing");
    meta.annotations["portico.dev/" + name] =
        one_of("cookie", "none", "persistent", "ewma", "$uri", "true", "");
  }

  kube::Service service() {
    auto object = named<kube::Service>(service_name());
    object.type = "ClusterIP";
    object.ports.push_back({.name = one_of("http", "web"),
                            .protocol = "TCP",
                            .port = 80,
                            .app_protocol = one_of("", "https", "kubernetes.io/h2c", "other")});
    object.cluster_ip = one_of("", "10.96.0.1");
    while (below(3) == 0) {
      note_balance(object.meta);
    }
    if (below(4) == 0) {
      object.type = "ExternalName";
      object.external_name = one_of("api.example.org", "192.0.2.1");
    }
    return object;
  }

  kube::EndpointSlice slice() {
    auto object = named<kube::EndpointSlice>(fmt::format("slice-{}", below(5)));
    object.service = service_name();
    object.ports.push_back({.name = one_of("http", "web"), .protocol = "TCP", .port = 8080});
    if (below(3) == 0) {
      object.meta.annotations["portico.dev/weight"] = one_of("1", "5", "X");
    }
    for (int i = 0; i < below(3); ++i) {
      object.endpoints.push_back({.addresses = {fmt::format("10.0.0.{}", below(4))}});
      object.endpoints.back().conditions.ready = below(3) != 0;
      object.endpoints.back().conditions.terminating = below(3) == 0;
    }
    return object;
  }

  kube::Secret secret() {
    auto object = named<kube::Secret>(one_of("t1", "t2"));
    object.type = "kubernetes.io/tls";
    const auto& pair = pairs_[static_cast<std::size_t>(below(3))];
    object.data = {{"tls.crt", pair->chain_pem}, {"tls.key", pair->key_pem}};
    if (below(2) == 0) {
      object.data["ca.crt"] = authorities_[static_cast<std::size_t>(below(2))];
    }
    kube::compact_pair(object);
    return object;
  }

  kube::Secret authorities() {
    auto object = named<kube::Secret>(one_of("c1", "c2"));
    object.type = "Opaque";
    object.data = {{one_of("ca.crt", "ca.crt", "other"), authorities_[below(4) == 0 ? 1 : 0]}};
    return object;
  }

  kube::ConfigMap config_map() {
    auto object = named<kube::ConfigMap>("settings");
    object.data = {{one_of("proxy-read-timeout", "use-forwarded-headers", "use-gzip", "block-cidrs",
                           "no-tls-redirect-locations", "ssl-protocols", "hsts-max-age"),
                    one_of("", "true", "30", "/a", "TLSv1.3")}};
    return object;
  }

  kube::IngressClass ingress_class() {
    kube::IngressClass object;
    object.meta.name = one_of("inside", "portico");
    object.controller = one_of("portico.dev/ingress-controller", "k8s.io/ingress-nginx");
    if (below(2) == 0) {
      object.meta.annotations["ingressclass.kubernetes.io/is-default-class"] = "true";
    }
    return object;
  }

  kube::IngressBackend backend() {
    kube::IngressBackend object{.service = service_name()};
    if (below(2) == 0) {
      object.port.number = 80;
    } else {
      object.port.name = one_of("http", "web", "none");
    }
    return object;
  }

  kube::Ingress ingress() {
    auto object = named<kube::Ingress>(fmt::format("i{}", below(8)));
    object.meta.created_unix_seconds = below(3);
    if (below(3) == 0) {
      object.class_name = one_of("inside", "portico");
    }
    if (below(4) == 0) {
      const auto name =
          one_of("auth-url", "auth-tls-secret", "proxy-read-timeout", "use-regex", "nothing");
      object.meta.annotations["nginx.ingress.kubernetes.io/" + name] = one_of("1", "x");
    }
    if (below(4) == 0) {
      object.meta.annotations["portico.dev/auth-tls-secret"] =
          one_of("c1", "default/c2", "t2", "t3");
    }
    if (below(8) == 0) {
      object.meta.annotations["portico.dev/auth-tls-verify-client"] =
          one_of("on", "off", "optional");
    }
    if (below(8) == 0) {
      object.meta.annotations["portico.dev/auth-tls-match-cn"] = one_of("CN=a", "CN=b", "(");
    }
    if (below(8) == 0) {
      object.meta.annotations["portico.dev/ssl-ciphers"] =
          one_of("ECDHE-RSA-AES128-GCM-SHA256", "none");
    }
    if (below(6) == 0) {
      object.meta.annotations["portico.dev/ssl-passthrough"] = one_of("true", "false");
    }
    if (below(4) == 0) {
      object.meta.annotations["portico.dev/backend-protocol"] = one_of("HTTPS", "GRPC", "X");
    }
    if (below(4) == 0) {
      object.meta.annotations["portico.dev/proxy-ssl-secret"] =
          one_of("default/t1", "default/c1", "default/c2", "other/c1", "c1");
      object.meta.annotations["portico.dev/proxy-ssl-verify"] = one_of("on", "off", "X");
    }
    if (below(3) == 0) {
      object.meta.annotations["portico.dev/canary"] = one_of("true", "true", "false", "X");
      object.meta.annotations["portico.dev/canary-weight"] = one_of("10", "20", "-1");
    }
    if (below(6) == 0) {
      object.meta.annotations["portico.dev/affinity"] = "cookie";
      object.meta.annotations["portico.dev/affinity-canary-behavior"] = one_of("sticky", "legacy");
    }
    while (below(3) == 0) {
      note_balance(object.meta);
    }
    if (below(4) == 0) {
      object.default_backend = backend();
    }
    for (int i = 0; i < below(3); ++i) {
      auto& rule = object.rules.emplace_back(kube::IngressRule{.host = host()});
      for (int j = 0; j < below(3); ++j) {
        rule.paths.push_back({one_of("/", "/a", "/a/", "bad"),
                              one_of("Prefix", "Exact", "ImplementationSpecific", "X"), backend()});
      }
    }
    for (int i = 0; i < below(2); ++i) {
      auto& entry = object.tls.emplace_back(kube::IngressTls{.secret = one_of("t1", "t2", "t3")});
      for (int j = 0; j < below(3); ++j) {
        entry.hosts.push_back(one_of("a.example.com", "b.example.com", "*.example.com"));
      }
    }
    return object;
  }

  std::mt19937 random_;
  std::vector<CertificatePointer> pairs_;
  std::vector<std::string> authorities_;
};

class TranslatorOracle : public ::testing::TestWithParam<unsigned> {};

TEST_P(TranslatorOracle, EveryStepEqualsAFreshStart) {
  RandomObjects source(GetParam());
  Options options;
  options.default_backend_service = GetParam() % 2 == 0 ? "default/s1:80" : "";
  options.checking = GetParam() % 3 == 0;
  options.config_map = "default/settings";
  options.ssl_passthrough = GetParam() % 4 != 0;
  Translator incremental(options);
  std::map<kube::ObjectKey, kube::ObjectPointer> objects;
  for (int step = 0; step < 150; ++step) {
    std::vector<kube::Change> batch;
    for (int i = 0; i <= step % 3; ++i) {
      batch.push_back(source.next());
      objects[batch.back().key] = batch.back().object;
    }
    incremental.apply(batch);
    std::vector<kube::Change> all;
    for (const auto& [key, object] : objects) {
      if (object != nullptr) {
        all.push_back({key, object});
      }
    }
    Translator fresh(options);
    fresh.apply(all);
    expect_same(incremental, fresh);
    if (HasFailure()) {
      FAIL() << "seed " << GetParam() << ", step " << step;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, TranslatorOracle, ::testing::Range(1U, 13U));

}  // namespace
}  // namespace portico::translate
