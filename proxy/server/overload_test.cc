#include "proxy/server/overload.h"

#include <gtest/gtest.h>

namespace portico::server {
namespace {

constexpr std::uint64_t kLimit = 1'000'000;

struct Step {
  std::uint64_t used_percent;
  Pressure pressure;
};

TEST(Overload, BeginsAtItsMarkAndEndsClearlyBelow) {
  Overload overload(kLimit);
  const Step steps[] = {
      {10, Pressure::kNone},     {84, Pressure::kNone},      {85, Pressure::kHigh},
      {81, Pressure::kHigh},     {79, Pressure::kNone},      {84, Pressure::kNone},
      {92, Pressure::kHigh},     {93, Pressure::kCritical},  {100, Pressure::kCritical},
      {89, Pressure::kCritical}, {87, Pressure::kHigh},      {92, Pressure::kHigh},
      {50, Pressure::kNone},     {200, Pressure::kCritical},
  };
  for (const auto& [percent, pressure] : steps) {
    EXPECT_EQ(overload.judge(kLimit / 100 * percent), pressure) << percent;
    EXPECT_EQ(overload.pressure(), pressure);
  }
}

TEST(Overload, WithoutALimitThereIsNoPressure) {
  Overload overload(0);
  EXPECT_EQ(overload.judge(UINT64_MAX), Pressure::kNone);
}

TEST(Overload, TakesLimitsOfAnySize) {
  Overload huge(std::uint64_t{1} << 62);
  EXPECT_EQ(huge.judge(std::uint64_t{1} << 61), Pressure::kNone);
  EXPECT_EQ(huge.judge(std::uint64_t{1} << 62), Pressure::kCritical);
}

}  // namespace
}  // namespace portico::server
