#include "controller/kube/cluster/cluster_figures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/kube/cluster/testing/model_server.h"

namespace portico::kube {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::size_t kKind = kind_index<Service>();
constexpr Reflector::Time kStart = Reflector::Time{} + 1000h;
constexpr std::chrono::system_clock::time_point kWall{1'000'000s};

class ClusterFiguresTest : public ::testing::Test {
 protected:
  ClusterFiguresTest() {
    server.put({kKind, "shop", "a"}, R"("spec":{})");
    server.put({kKind, "shop", "b"}, R"("spec":{})");
  }

  void list() {
    reflector.on_answer(server.list(reflector.next(now).request.target), now);
    target = reflector.next(now).request.target;
    reflector.on_open(now);
  }
  [[nodiscard]] std::string text() const {
    ClusterFigures figures;
    add(figures, reflector);
    return to_metrics(figures, now, kWall);
  }

  testing::ModelServer server;
  Reflector reflector{{.kind = kKind}, 1};
  Reflector::Time now = kStart;
  std::string target;
};

TEST_F(ClusterFiguresTest, CountWhatAReflectorDoesAndHolds) {
  list();
  std::uint64_t cursor = 0;
  server.put({kKind, "shop", "c"}, R"("spec":{})");
  now += 10s;
  reflector.on_piece(*server.watch(target, cursor) + server.bookmark(target), now);
  now += 5s;
  EXPECT_THAT(text(), HasSubstr("portico_kube_objects{resource=\"services\"} 3\n"));
  EXPECT_THAT(text(), HasSubstr("portico_kube_lists_total{resource=\"services\"} 1\n"));
  EXPECT_THAT(text(), HasSubstr("portico_kube_watches_total{resource=\"services\"} 1\n"));
  EXPECT_THAT(text(), HasSubstr("portico_kube_watch_events_total{resource=\"services\"} 1\n"));
  EXPECT_THAT(text(), HasSubstr("portico_kube_failures_total{resource=\"services\"} 0\n"));
  EXPECT_THAT(text(), HasSubstr("portico_kube_last_heard_timestamp_seconds{resource=\"services\"} "
                                "999995.000\n"));
}

TEST_F(ClusterFiguresTest, CountCutWatchesAsFailuresAndTheirSuccessors) {
  list();
  reflector.on_failure({ApiFailure::Kind::kCut, "cut"}, now);
  now += 5s;
  reflector.on_time(now);
  std::ignore = reflector.next(now);
  EXPECT_THAT(text(), HasSubstr("portico_kube_watches_total{resource=\"services\"} 2\n"));
  EXPECT_THAT(text(), HasSubstr("portico_kube_failures_total{resource=\"services\"} 1\n"));
}

TEST_F(ClusterFiguresTest, AReflectorThatWasNeverAnsweredHasHeardNothing) {
  std::ignore = reflector.next(now);
  reflector.on_failure({ApiFailure::Kind::kConnect, "nobody"}, now);
  EXPECT_THAT(text(), HasSubstr("portico_kube_last_heard_timestamp_seconds{resource=\"services\"} "
                                "0.000\n"));
  EXPECT_THAT(text(), HasSubstr("portico_kube_failures_total{resource=\"services\"} 1\n"));
}

TEST_F(ClusterFiguresTest, OneThatIsGoneStaysCountedAndHoldsNothing) {
  list();
  ClusterFigures figures;
  add_gone(figures, reflector);
  const auto told = to_metrics(figures, now, kWall);
  EXPECT_THAT(told, HasSubstr("portico_kube_objects{resource=\"services\"} 0\n"));
  EXPECT_THAT(told, HasSubstr("portico_kube_lists_total{resource=\"services\"} 1\n"));
}

TEST_F(ClusterFiguresTest, KindsThatNobodyReadsHaveNoSamples) {
  EXPECT_THAT(text(), Not(HasSubstr("secrets")));
}

}  // namespace
}  // namespace portico::kube
