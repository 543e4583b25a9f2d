#include "controller/kube/cluster/outage.h"

#include <gtest/gtest.h>

#include "controller/kube/cluster/reflector.h"

namespace portico::kube {
namespace {

using namespace std::chrono_literals;

class OutageTest : public ::testing::Test {
 protected:
  void fail(Reflector& reflector, const char* why = "refused") {
    now_ += 10s;
    reflector.on_time(now_);
    static_cast<void>(reflector.next(now_));
    reflector.on_failure({ApiFailure::Kind::kConnect, why}, now_);
  }
  void succeed(Reflector& reflector) {
    now_ += 10s;
    reflector.on_time(now_);
    static_cast<void>(reflector.next(now_));
    reflector.on_answer(
        {.status = 200, .retry_after = {}, .body = R"({"kind":"IngressList","metadata":{}})"},
        now_);
  }
  Outage outage_;
  Outage::Time now_{1000s};
  Reflector first_{{.kind = kind_index<Ingress>()}, 1};
  Reflector second_{{.kind = kind_index<Ingress>()}, 2};
};

TEST_F(OutageTest, IsToldOnceWhenItComesAndOnceWhenItGoes) {
  fail(first_);
  const auto lost = outage_.observe(first_, now_);
  ASSERT_TRUE(lost);
  EXPECT_TRUE(lost->is_lost);
  EXPECT_EQ(lost->reason, "refused");
  fail(second_);
  EXPECT_FALSE(outage_.observe(second_, now_));
  for (int i = 0; i < 20; ++i) {
    fail(first_);
    EXPECT_FALSE(outage_.observe(first_, now_));
  }
  succeed(first_);
  EXPECT_FALSE(outage_.observe(first_, now_));
  EXPECT_TRUE(outage_.recovered());
  succeed(second_);
  const auto back = outage_.observe(second_, now_);
  ASSERT_TRUE(back);
  EXPECT_FALSE(back->is_lost);
  EXPECT_GE(back->lasted, 200s);
}

TEST_F(OutageTest, AnotherReasonIsWorthALine) {
  fail(first_);
  outage_.observe(first_, now_);
  fail(first_, "unauthorized");
  EXPECT_FALSE(outage_.observe(first_, now_)) << "so soon";
  now_ += 60s;
  fail(first_, "unauthorized");
  EXPECT_TRUE(outage_.observe(first_, now_));
}

TEST_F(OutageTest, OneCutIsNone) {
  succeed(first_);
  outage_.observe(first_, now_);
  fail(first_);
  EXPECT_FALSE(outage_.observe(first_, now_));
  fail(first_);
  EXPECT_TRUE(outage_.observe(first_, now_));
}

}  // namespace
}  // namespace portico::kube
