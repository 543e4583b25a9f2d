#include "proxy/server/check_news.h"

#include <memory>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/server/check_metrics.h"
#include "proxy/server/testing/endpoints.h"

namespace portico::server {
namespace {

using exchange::EndpointId;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

struct CheckNewsTest : ::testing::Test, testing::HealthyEndpoints {
  void backend(const std::string& service, const std::vector<std::uint16_t>& ports,
               bool is_checked = true) {
    auto spec = std::make_shared<routing::BackendSpec>();
    spec->key = "default/" + service + ":80#x";
    spec->namespace_ = "default";
    spec->service = service;
    spec->port = "80";
    if (is_checked) {
      spec->balance =
          std::make_shared<const routing::BalanceSpec>(routing::BalanceSpec{.health_check = {{}}});
    }
    HealthyEndpoints::backend(std::move(spec), ports);
  }
  void fall_ill(std::uint16_t port) { book.set(*health.at(port), true, "status 503"); }
  void recover(std::uint16_t port) { book.set(*health.at(port), false, {}); }
  Ejections::News look() {
    Ejections::News told;
    news.look(config, book, told);
    return told;
  }

  checks::CheckBook book;
  CheckNews news;
};

TEST_F(CheckNewsTest, TellsOfEachOnceWithTheReasonAndOfItsReturn) {
  backend("web", {80, 81});
  EXPECT_THAT(look().lines, IsEmpty());
  fall_ill(81);
  const auto told = look();
  EXPECT_THAT(told.lines, ElementsAre("health check of endpoint 10.0.0.1:81 of default/web:80 "
                                      "fails: status 503"));
  EXPECT_THAT(told.ejected, ElementsAre(EndpointId{81}));
  EXPECT_THAT(look().lines, IsEmpty());
  recover(81);
  EXPECT_THAT(look().lines,
              ElementsAre("health check of endpoint 10.0.0.1:81 of default/web:80 passes again"));
  EXPECT_THAT(look().lines, IsEmpty());
}

TEST_F(CheckNewsTest, TellsOfAnEndpointOfSeveralBackendsOnce) {
  backend("web", {80});
  backend("other", {80});
  fall_ill(80);
  const auto told = look();
  EXPECT_THAT(told.lines, SizeIs(1));
  EXPECT_THAT(told.ejected, SizeIs(1));
}

TEST_F(CheckNewsTest, SaysNothingOfOneWhoseChecksWereGivenUp) {
  backend("web", {80});
  fall_ill(80);
  look();
  config.backends = {};
  backend("web", {80}, false);
  recover(80);
  EXPECT_THAT(look().lines, IsEmpty());
}

TEST_F(CheckNewsTest, OfVeryManyItTellsOfSome) {
  std::vector<std::uint16_t> ports;
  for (std::uint16_t port = 1; port <= 100; ++port) {
    ports.push_back(port);
  }
  backend("web", ports);
  for (const auto port : ports) {
    fall_ill(port);
  }
  const auto told = look();
  EXPECT_THAT(told.ejected, SizeIs(100));
  ASSERT_THAT(told.lines, SizeIs(21));
  EXPECT_EQ(told.lines.back(), "health checks of 80 more endpoints fail or pass again");
}

TEST_F(CheckNewsTest, NamesTheIllEndpointsOfABackend) {
  backend("web", {80, 81, 82});
  backend("other", {83});
  fall_ill(80);
  fall_ill(82);
  EXPECT_EQ(ill_endpoints(config, book, "default/web:80#x"),
            "10.0.0.1:80 (status 503), 10.0.0.1:82 (status 503)");
  EXPECT_EQ(ill_endpoints(config, book, "default/other:80#x"), "");
}

TEST_F(CheckNewsTest, CountsByServicePortAndNothingWhereNothingIsChecked) {
  backend("web", {80, 81});
  backend("web", {80});
  backend("unchecked", {83}, false);
  fall_ill(80);
  book.open({.namespace_ = "default", .service = "web", .port = "80"});
  book.count({.namespace_ = "default", .service = "web", .port = "80"}, false);
  const auto text = check_metrics(config, book);
  const std::string labels = R"({namespace="default",service="web",port="80")";
  EXPECT_THAT(text, HasSubstr("portico_endpoints_unhealthy" + labels + "} 1\n"));
  EXPECT_THAT(text, HasSubstr("portico_health_checks_total" + labels + R"(,result="failed"} 1)"));
  EXPECT_THAT(text, HasSubstr("portico_health_checks_total" + labels + R"(,result="passed"} 0)"));
  EXPECT_THAT(text, Not(HasSubstr("unchecked")));
}

}  // namespace
}  // namespace portico::server
