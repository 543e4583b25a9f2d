#include "tls/ticket_keys.h"

#include <gtest/gtest.h>

namespace portico::tls {
namespace {

using std::chrono::hours;

class TicketKeysTest : public ::testing::Test {
 protected:
  TicketKeys::TimePoint now_{hours(1000)};
  TicketKeys keys_{hours(8), [this] { return now_; }};
};

TEST_F(TicketKeysTest, FindsTheCurrentKeyByName) {
  const auto key = keys_.current();
  const auto found = keys_.find(key.name);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->key.cipher, key.cipher);
  EXPECT_EQ(found->key.mac, key.mac);
  EXPECT_FALSE(found->is_previous);
}

TEST_F(TicketKeysTest, KeepsAKeyForItsPeriod) {
  const auto key = keys_.current();
  now_ += hours(8) - std::chrono::seconds(1);
  EXPECT_EQ(keys_.current().name, key.name);
}

TEST_F(TicketKeysTest, ARotatedKeyStillOpensTicketsForOnePeriod) {
  const auto key = keys_.current();
  now_ += hours(8);
  EXPECT_NE(keys_.current().name, key.name);
  now_ += hours(8) - std::chrono::seconds(1);
  const auto found = keys_.find(key.name);
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->is_previous);
  EXPECT_EQ(found->key.cipher, key.cipher);
}

TEST_F(TicketKeysTest, AKeyIsGoneAfterTwoPeriods) {
  const auto key = keys_.current();
  now_ += hours(8);
  std::ignore = keys_.current();
  now_ += hours(8);
  EXPECT_FALSE(keys_.find(key.name));
}

TEST_F(TicketKeysTest, AKeyThatNobodyUsedForTwoPeriodsIsGoneToo) {
  const auto key = keys_.current();
  now_ += hours(16);
  EXPECT_FALSE(keys_.find(key.name));
}

TEST_F(TicketKeysTest, AnUnknownNameIsNotFound) {
  EXPECT_FALSE(keys_.find(std::array<unsigned char, 16>{}));
}

}  // namespace
}  // namespace portico::tls
