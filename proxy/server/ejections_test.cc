#include "proxy/server/ejections.h"

#include <memory>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/server/testing/endpoints.h"

namespace portico::server {
namespace {

using exchange::EndpointId;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

struct EjectionsTest : ::testing::Test, testing::HealthyEndpoints {
  void backend(const std::string& key, const std::vector<std::uint16_t>& ports) {
    auto spec = std::make_shared<routing::BackendSpec>();
    spec->key = key;
    HealthyEndpoints::backend(std::move(spec), ports);
  }
  void report(std::uint16_t port, routing::TryOutcome outcome, bool let_through = false) {
    for (int i = 0; i < 5; ++i) {
      health.at(port)->report(outcome, let_through, {}, exchange::EndpointHealth::Clock::now());
    }
  }
  void eject(std::uint16_t port) { report(port, routing::TryOutcome::kFailed); }

  Ejections ejections;
};

TEST_F(EjectionsTest, TellsOfEachOnceAndOfItsReturn) {
  backend("default/web:80#grpc", {80, 81});
  EXPECT_THAT(ejections.look(config).lines, IsEmpty());
  eject(81);
  const auto news = ejections.look(config);
  EXPECT_THAT(news.ejected, ElementsAre(EndpointId{81}));
  EXPECT_THAT(news.lines,
              ElementsAre("endpoint 10.0.0.1:81 of default/web:80 fails, and is ejected"));
  EXPECT_THAT(ejections.look(config).lines, IsEmpty());

  report(81, routing::TryOutcome::kAnswered, true);
  const auto later = ejections.look(config);
  EXPECT_THAT(later.ejected, IsEmpty());
  EXPECT_THAT(later.lines, ElementsAre("endpoint 10.0.0.1:81 of default/web:80 is back"));
  EXPECT_THAT(ejections.look(config).lines, IsEmpty());
}

TEST_F(EjectionsTest, SaysWhyWhereThatIsKnown) {
  backend("default/web:80", {80, 81});
  ejections.note(EndpointId{81}, "fails 21 % of its requests, the others 0 %");
  health.at(81)->put_out(exchange::EndpointHealth::Clock::now());
  EXPECT_THAT(ejections.look(config).lines,
              ElementsAre("endpoint 10.0.0.1:81 of default/web:80 fails 21 % of its requests, the "
                          "others 0 %, and is ejected"));
}

TEST_F(EjectionsTest, OneThatSeveralBackendsHaveIsToldOnce) {
  backend("a", {80});
  backend("b", {80});
  eject(80);
  EXPECT_THAT(ejections.look(config).lines, SizeIs(1));
  report(80, routing::TryOutcome::kAnswered, true);
  EXPECT_THAT(ejections.look(config).lines, SizeIs(1));
}

TEST_F(EjectionsTest, AreNamedByBackend) {
  backend("a", {80, 81, 82});
  backend("b", {83});
  eject(80);
  eject(82);
  eject(83);
  EXPECT_EQ(ejected_endpoints(config, "a"), "10.0.0.1:80, 10.0.0.1:82");
  EXPECT_EQ(ejected_endpoints(config, "b"), "10.0.0.1:83");
  EXPECT_EQ(ejected_endpoints(config, "c"), "");
}

TEST_F(EjectionsTest, OneThatIsGoneIsNotBack) {
  backend("a", {80});
  eject(80);
  ejections.look(config);
  EXPECT_THAT(ejections.look(exchange::Config()).lines, IsEmpty());
}

TEST_F(EjectionsTest, OfVeryManyAllAreDroppedAndSomeAreNamed) {
  std::vector<std::uint16_t> ports;
  for (std::uint16_t port = 1; port <= 100; ++port) {
    ports.push_back(port);
  }
  backend("a", ports);
  for (const auto port : ports) {
    eject(port);
  }
  const auto news = ejections.look(config);
  EXPECT_THAT(news.ejected, SizeIs(100));
  EXPECT_THAT(news.lines, SizeIs(21));
  EXPECT_EQ(news.lines.back(), "80 more endpoints are ejected or back");
}

}  // namespace
}  // namespace portico::server
