#include "proxy/server/config_compiler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tls/self_signed.h"

namespace portico::server {
namespace {

using exchange::Config;
using exchange::EndpointId;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// A Snapshot that is changed and compiled again and again.
struct ConfigCompilerTest : ::testing::Test {
  void backend(const std::string& key, const std::vector<std::uint16_t>& ports,
               const std::string& namespace_ = "default") {
    auto spec = std::make_shared<routing::BackendSpec>();
    spec->key = key;
    spec->namespace_ = namespace_;
    for (const auto port : ports) {
      spec->endpoints.push_back({.address = "10.0.0.1", .port = port});
    }
    snapshot.backends.set(key, std::move(spec));
  }
  void host(const std::string& name, const std::string& to) {
    auto spec = std::make_shared<routing::HostSpec>();
    spec->host = *routing::Hostname::parse(name);
    spec->routes.push_back(route(to));
    snapshot.hosts.set(name, std::move(spec));
  }
  static std::shared_ptr<const routing::RouteSpec> route(const std::string& to) {
    auto spec = std::make_shared<routing::RouteSpec>();
    spec->path = "/";
    spec->backend = to;
    spec->policy = std::make_shared<routing::Policy>();
    return spec;
  }
  std::shared_ptr<const Config> compile() {
    ++snapshot.generation;
    return compiler.compile(snapshot);
  }
  // The ports and ids behind a host.
  static std::vector<std::pair<std::uint16_t, EndpointId>> endpoints(const Config& config,
                                                                     std::string_view name) {
    std::vector<std::pair<std::uint16_t, EndpointId>> found;
    const auto match = config.routes.match({.host = name, .path = "/"});
    if (match.route != nullptr) {
      const auto* backend = config.backends.find(static_cast<std::size_t>(match.route->backend));
      for (const auto& endpoint : backend->endpoints) {
        found.emplace_back(endpoint.address.port(), endpoint.id);
      }
    }
    return found;
  }

  routing::Snapshot snapshot;
  ConfigCompiler compiler{tls::make_self_signed()};
};

TEST_F(ConfigCompilerTest, CountsNearEndpointsInEitherList) {
  auto spec = std::make_shared<routing::BackendSpec>();
  spec->key = "a/b:80";
  for (const std::uint16_t port : {80, 81, 82}) {
    spec->endpoints.push_back({.address = "10.0.0.1", .port = port, .is_far = port == 82});
  }
  auto by_tls = std::make_shared<routing::BackendSpec>(*spec);
  by_tls->key = "a/b:443";
  by_tls->tls = std::make_shared<const routing::UpstreamTlsSpec>();
  by_tls->tls_like_client = true;
  snapshot.backends.set(spec->key, spec);
  snapshot.backends.set(by_tls->key, by_tls);
  const auto config = compile();
  std::size_t backends = 0;
  config->backends.for_each([&](std::size_t, const auto& backend) {
    ++backends;
    EXPECT_EQ(backend->endpoints.size(), 3U);
    EXPECT_EQ(backend->near_endpoints, 2U);
  });
  EXPECT_EQ(backends, 2U);
}

TEST_F(ConfigCompilerTest, JoinsHostsToTheirBackendsEndpoints) {
  backend("web", {80, 81});
  backend("api", {90});
  host("a.example", "web");
  host("b.example", "api");
  const auto config = compile();
  EXPECT_EQ(config->generation, 1U);
  EXPECT_EQ(endpoints(*config, "a.example").size(), 2U);
  EXPECT_EQ(endpoints(*config, "b.example").at(0).first, 90);
}

TEST_F(ConfigCompilerTest, Http2IsOfferedByAContextOfItsOwn) {
  auto settings = *snapshot.settings;
  const auto with = compile()->tls;
  settings.clients.requests = 5;
  snapshot.settings = std::make_shared<const routing::Settings>(settings);
  EXPECT_EQ(compile()->tls, with);
  settings.clients.http2 = false;
  snapshot.settings = std::make_shared<const routing::Settings>(settings);
  const auto without = compile();
  EXPECT_NE(without->tls, nullptr);
  EXPECT_NE(without->tls, with);
  EXPECT_EQ(without->settings->clients.requests, 5U);
}

TEST_F(ConfigCompilerTest, KeepsIdsWhileOthersComeAndGo) {
  backend("web", {80, 81});
  host("a.example", "web");
  const auto before = endpoints(*compile(), "a.example");
  backend("api", {90});
  compile();
  backend("web", {80, 82});
  snapshot.backends.erase("api");
  const auto config = compile();
  const auto after = endpoints(*config, "a.example");
  EXPECT_EQ(after.at(0), before.at(0));
  EXPECT_NE(after.at(1).second, before.at(1).second);
  EXPECT_EQ(config->retired_endpoints.size(), 2U);
  EXPECT_EQ(config->retired_backends.size(), 1U);
}

TEST_F(ConfigCompilerTest, KeepsTheIdOfAnEndpointThatMovesToAnotherBackend) {
  backend("blue", {80});
  host("a.example", "blue");
  const auto before = endpoints(*compile(), "a.example");
  backend("green", {80});
  snapshot.backends.erase("blue");
  host("a.example", "green");
  const auto config = compile();
  EXPECT_EQ(endpoints(*config, "a.example"), before);
  EXPECT_THAT(config->retired_endpoints, IsEmpty());
}

TEST_F(ConfigCompilerTest, SharesAnEndpointBetweenBackends) {
  backend("a", {80});
  backend("b", {80});
  host("a.example", "a");
  host("b.example", "b");
  const auto both = compile();
  EXPECT_EQ(endpoints(*both, "a.example"), endpoints(*both, "b.example"));
  backend("a", {});
  EXPECT_THAT(compile()->retired_endpoints, IsEmpty());
  backend("b", {});
  EXPECT_THAT(compile()->retired_endpoints, ElementsAre(endpoints(*both, "a.example")[0].second));
}

TEST_F(ConfigCompilerTest, NoNamespaceSharesAnEndpointWithAnother) {
  backend("a", {80}, "theirs");
  backend("b", {80}, "ours");
  host("a.example", "a");
  host("b.example", "b");
  const auto config = compile();
  const auto theirs = endpoints(*config, "a.example").at(0).second;
  const auto ours = endpoints(*config, "b.example").at(0).second;
  EXPECT_NE(theirs, ours);
  config->backends.for_each([](std::size_t, const auto& backend) {
    backend->endpoints.at(0).health->set_ill(backend->spec->namespace_ == "theirs");
  });
  config->backends.for_each([](std::size_t, const auto& backend) {
    EXPECT_EQ(backend->endpoints.at(0).health->is_ill(), backend->spec->namespace_ == "theirs");
  });
  backend("a", {81}, "theirs");
  EXPECT_THAT(compile()->retired_endpoints, ElementsAre(theirs));
}

TEST_F(ConfigCompilerTest, RetiresAnIdForAWholeGenerationBeforeItIsGivenAgain) {
  backend("web", {80});
  host("a.example", "web");
  const auto first = endpoints(*compile(), "a.example").at(0).second;
  backend("web", {81});
  const auto second = endpoints(*compile(), "a.example").at(0).second;
  EXPECT_NE(second, first);
  backend("web", {82});
  const auto config = compile();
  EXPECT_EQ(endpoints(*config, "a.example").at(0).second, first);
  EXPECT_THAT(config->retired_endpoints, ElementsAre(second));
}

TEST_F(ConfigCompilerTest, KeepsARetryBudgetOverGenerationsAndFillsItForAnotherBackend) {
  const auto budget = [](const Config& config, const std::string& name) {
    const auto match = config.routes.match({.host = name, .path = "/"});
    return config.backends.find(static_cast<std::size_t>(match.route->backend))->retry_budget;
  };
  backend("web", {80});
  host("a.example", "web");
  auto* const first = budget(*compile(), "a.example");
  ASSERT_NE(first, nullptr);
  while (first->spend()) {
  }
  backend("web", {81});
  backend("api", {90});
  host("b.example", "api");
  const auto changed = compile();
  EXPECT_EQ(budget(*changed, "a.example"), first);
  EXPECT_NE(budget(*changed, "b.example"), first);
  EXPECT_FALSE(first->spend());
  snapshot.backends.erase("web");
  snapshot.hosts.erase("a.example");
  compile();
  backend("new", {82});
  host("c.example", "new");
  EXPECT_EQ(budget(*compile(), "c.example"), first) << "the id is given again";
  EXPECT_TRUE(first->spend());
}

TEST_F(ConfigCompilerTest, AnEndpointsHealthIsItsOwnForAsLongAsItLives) {
  const auto health = [](const Config& config, std::size_t backend, std::size_t endpoint) {
    return config.backends.find(backend)->endpoints.at(endpoint).health;
  };
  backend("web", {80, 81});
  host("a.example", "web");
  const auto first = compile();
  auto* const of_80 = health(*first, 0, 0);
  EXPECT_NE(of_80, health(*first, 0, 1));
  for (int i = 0; i < 5; ++i) {
    of_80->report(routing::TryOutcome::kFailed, false, {}, {});
  }
  backend("api", {80});
  const auto both = compile();
  EXPECT_EQ(health(*both, 0, 0), of_80);
  EXPECT_EQ(health(*both, 1, 0), of_80);
  EXPECT_TRUE(of_80->state().is_out());

  // Another endpoint by the same id begins anew.
  snapshot.backends.erase("api");
  backend("web", {81});
  compile();
  backend("web", {81, 82});
  EXPECT_EQ(health(*compile(), 0, 1), of_80);
  EXPECT_FALSE(of_80->has_counted());
}

TEST_F(ConfigCompilerTest, RetiresOnlyWhatWentWithThisChange) {
  backend("web", {80});
  compile();
  backend("web", {});
  EXPECT_EQ(compile()->retired_endpoints.size(), 1U);
  EXPECT_THAT(compile()->retired_endpoints, IsEmpty());
}

TEST_F(ConfigCompilerTest, RecompilesNothingThatDidNotChange) {
  backend("web", {80});
  backend("api", {90});
  host("a.example", "web");
  host("b.example", "api");
  const auto before = compile();
  backend("web", {80, 81});
  const auto endpoint_change = compile();
  for (const auto* name : {"a.example", "b.example"}) {
    EXPECT_EQ(endpoint_change->routes.host(name), before->routes.host(name)) << "no route";
  }
  EXPECT_EQ(endpoint_change->certificates, before->certificates);
  host("a.example", "api");
  const auto host_change = compile();
  EXPECT_NE(host_change->routes.host("a.example"), before->routes.host("a.example"));
  EXPECT_EQ(host_change->routes.host("b.example"), before->routes.host("b.example"));
  const auto id = static_cast<std::size_t>(
      before->routes.match({.host = "b.example", .path = "/"}).route->backend);
  EXPECT_EQ(host_change->backends.find(id), before->backends.find(id));
}

TEST_F(ConfigCompilerTest, LeavesEarlierConfigsAsTheyWere) {
  backend("web", {80});
  host("a.example", "web");
  const auto before = compile();
  snapshot.hosts.erase("a.example");
  snapshot.backends.erase("web");
  const auto after = compile();
  EXPECT_EQ(endpoints(*before, "a.example").size(), 1U);
  EXPECT_EQ(endpoints(*after, "a.example").size(), 0U);
}

TEST_F(ConfigCompilerTest, ServesTheDefaultRouteWhereNoHostMatches) {
  backend("web", {80});
  snapshot.default_route = route("web");
  EXPECT_EQ(endpoints(*compile(), "other.example").size(), 1U);
  snapshot.default_route = nullptr;
  EXPECT_EQ(endpoints(*compile(), "other.example").size(), 0U);
}

TEST_F(ConfigCompilerTest, PutsCertificatesInAndTakesThemOut) {
  const auto before = compile();
  snapshot.certificates.set("a.example", tls::make_self_signed());
  const auto with = compile();
  EXPECT_EQ(with->certificates->size(), 1U);
  EXPECT_EQ(before->certificates->size(), 0U);
  snapshot.certificates.erase("a.example");
  EXPECT_EQ(compile()->certificates->size(), 0U);
}

TEST_F(ConfigCompilerTest, LimitsOfAllBackendsComeAndGoWithTheSettings) {
  backend("default/web:80", {80, 81});
  host("a.example.com", "default/web:80");
  const auto before = compile();
  const auto& unlimited = *before->backends.find(0);
  EXPECT_EQ(unlimited.circuit, nullptr);
  auto settings = std::make_shared<routing::Settings>(*snapshot.settings);
  settings->circuit.max_requests = 7;
  snapshot.settings = settings;
  const auto limited = compile();
  const auto& of_web = *limited->backends.find(0);
  ASSERT_NE(of_web.circuit, nullptr);
  EXPECT_EQ(of_web.circuit->requests.limit(), 7U);
  EXPECT_EQ(of_web.endpoints.at(1).circuit, of_web.circuit);
  EXPECT_EQ(of_web.endpoints.at(1).id, unlimited.endpoints.at(1).id);
  EXPECT_EQ(unlimited.circuit, nullptr) << "a Config is immutable";
  backend("default/new:80", {90});
  EXPECT_NE(compile()->backends.find(1)->circuit, nullptr);
  snapshot.settings = std::make_shared<const routing::Settings>();
  EXPECT_EQ(compile()->backends.find(0)->circuit, nullptr);
}

TEST_F(ConfigCompilerTest, ABackendKeepsItsCircuitAsLongAsItIsThere) {
  auto settings = std::make_shared<routing::Settings>(*snapshot.settings);
  settings->circuit.max_requests = 7;
  snapshot.settings = settings;
  backend("default/web:80", {80});
  host("a.example.com", "default/web:80");
  auto* const circuit = compile()->backends.find(0)->circuit;
  ASSERT_TRUE(circuit->requests.enter());
  backend("default/web:80", {80, 81});
  EXPECT_EQ(compile()->backends.find(0)->circuit, circuit);
}

struct ConfigCompilerSlowStart : ConfigCompilerTest {
  // Which ports' endpoints begin slowly.
  static std::vector<std::uint16_t> slow_ports(const Config& config, std::string_view name) {
    std::vector<std::uint16_t> ports;
    for (const auto& endpoint : backend_of(config, name).endpoints) {
      if (endpoint.since != std::chrono::steady_clock::time_point()) {
        EXPECT_LE(endpoint.since, config.compiled);
        ports.push_back(endpoint.address.port());
      }
    }
    return ports;
  }
  static const exchange::Backend& backend_of(const Config& config, std::string_view name) {
    const auto match = config.routes.match({.host = name, .path = "/"});
    return *config.backends.find(static_cast<std::size_t>(match.route->backend));
  }
};

TEST_F(ConfigCompilerSlowStart, BeginsWhereAnEndpointComesToOthers) {
  backend("web", {80, 81});
  host("a.example", "web");
  EXPECT_THAT(slow_ports(*compile(), "a.example"), IsEmpty());
  backend("web", {80, 81, 82});
  const auto config = compile();
  EXPECT_THAT(slow_ports(*config, "a.example"), ElementsAre(82));
  EXPECT_EQ(backend_of(*config, "a.example").endpoints.back().since, config->compiled);
}

TEST_F(ConfigCompilerSlowStart, StaysWithTheEndpointOverGenerations) {
  backend("web", {80});
  host("a.example", "web");
  compile();
  backend("web", {80, 81});
  const auto since = backend_of(*compile(), "a.example").endpoints.back().since;
  backend("web", {79, 80, 81});
  const auto config = compile();
  EXPECT_THAT(slow_ports(*config, "a.example"), ElementsAre(79, 81));
  EXPECT_EQ(backend_of(*config, "a.example").endpoints.back().since, since);
}

TEST_F(ConfigCompilerSlowStart, NobodyIsSlowWhereAllAreNew) {
  backend("web", {80, 81});
  host("a.example", "web");
  compile();
  backend("web", {90, 91});
  backend("api", {70, 71});
  host("b.example", "api");
  const auto config = compile();
  EXPECT_THAT(slow_ports(*config, "a.example"), IsEmpty());
  EXPECT_THAT(slow_ports(*config, "b.example"), IsEmpty());
}

TEST_F(ConfigCompilerSlowStart, OneThatWasGoneIsNew) {
  backend("web", {80, 81});
  host("a.example", "web");
  compile();
  backend("web", {80});
  compile();
  backend("web", {80, 81});
  EXPECT_THAT(slow_ports(*compile(), "a.example"), ElementsAre(81));
}

TEST_F(ConfigCompilerSlowStart, OneThatServesAnotherBackendAlreadyIsNotNew) {
  backend("blue", {80});
  backend("green", {90});
  host("a.example", "blue");
  compile();
  backend("blue", {80, 90});
  EXPECT_THAT(slow_ports(*compile(), "a.example"), IsEmpty());
}

TEST_F(ConfigCompilerTest, AWeightThatChangesAloneReachesTheWorkers) {
  const auto weigh = [&](std::uint32_t first) {
    auto spec = std::make_shared<routing::BackendSpec>();
    spec->key = "web";
    spec->endpoints.push_back({.address = "10.0.0.1", .port = 80, .weight = first});
    spec->endpoints.push_back({.address = "10.0.0.1", .port = 81});
    snapshot.backends.set("web", std::move(spec));
    const auto config = compile();
    return *config->backends.find(0);
  };
  host("a.example", "web");
  const auto even = weigh(1);
  EXPECT_TRUE(even.weights.is_even());
  const auto uneven = weigh(3);
  EXPECT_FALSE(uneven.weights.is_even());
  EXPECT_EQ(uneven.endpoints[0].weight, 3U);
  EXPECT_EQ(uneven.endpoints[0].id, even.endpoints[0].id);
  EXPECT_EQ(uneven.endpoints[0].since, std::chrono::steady_clock::time_point());
}

}  // namespace
}  // namespace portico::server
