#include <gtest/gtest.h>

#include "proxy/exchange/testing/scene.h"

namespace portico::exchange::testing {
namespace {

TEST(ExchangePressure, NearlyWithoutMemoryNothingIsBegun) {
  Scene scene;
  scene.worker.context.pressure = Pressure::kCritical;
  scene.start();
  EXPECT_EQ(scene.client.status, 503);
  EXPECT_NE(scene.client.fields.find("Retry-After: 1\n"), std::string::npos);
  EXPECT_EQ(scene.record().reason, kShedForMemory);
  EXPECT_TRUE(scene.worker.upstreams.streams.empty());
  scene.expect_finished();
}

TEST(ExchangePressure, WhatIsBegunIsFinished) {
  Scene scene;
  scene.start();
  scene.worker.context.pressure = Pressure::kCritical;
  scene.backend().answer(200, "whole");
  EXPECT_EQ(scene.client.status, 200);
  EXPECT_EQ(scene.client.body, "whole");
  scene.expect_finished();
}

TEST(ExchangePressure, ShortOfMemoryRequestsAreServed) {
  Scene scene;
  scene.worker.context.pressure = Pressure::kHigh;
  scene.start();
  scene.backend().answer(200, "ok");
  EXPECT_EQ(scene.client.status, 200);
}

}  // namespace
}  // namespace portico::exchange::testing
