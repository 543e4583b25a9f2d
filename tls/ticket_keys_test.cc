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

TicketKeys::Key written(char name) {
  return *TicketKeys::read(std::string(16, name) + std::string(32, 'm') + std::string(32, 'c'));
}

TEST_F(TicketKeysTest, ReadsAKeyAsNginxDoes) {
  const auto key = written('n');
  EXPECT_EQ(key.name[15], 'n');
  EXPECT_EQ(key.mac[31], 'm');
  EXPECT_EQ(key.cipher[31], 'c');
  for (const std::size_t bytes : {0, 48, 79, 81}) {
    EXPECT_FALSE(TicketKeys::read(std::string(bytes, 'x')));
  }
}

TEST_F(TicketKeysTest, TheFirstSharedKeySealsAndAllOpen) {
  const auto own = keys_.current();
  keys_.share({written('a'), written('b')});
  EXPECT_EQ(keys_.current().name, written('a').name);
  EXPECT_FALSE(keys_.find(written('a').name)->is_previous);
  EXPECT_TRUE(keys_.find(written('b').name)->is_previous);
  EXPECT_TRUE(keys_.find(own.name)->is_previous);
  EXPECT_FALSE(keys_.find(written('c').name));
  now_ += hours(24);
  EXPECT_EQ(keys_.current().name, written('a').name);
}

TEST_F(TicketKeysTest, WithoutSharedKeysItHasItsOwnAgain) {
  const auto own = keys_.current();
  keys_.share({written('a')});
  keys_.share({});
  EXPECT_EQ(keys_.current().name, own.name);
  EXPECT_FALSE(keys_.find(written('a').name));
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
