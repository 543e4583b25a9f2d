#include "proxy/checks/grpc_health.h"

#include <gtest/gtest.h>

namespace portico::checks {
namespace {

using namespace std::string_literals;

// A message with its length before it.
std::string framed(std::string_view message) {
  return "\0\0\0\0"s + static_cast<char>(message.size()) + std::string(message);
}

TEST(GrpcHealth, ARequestNamesTheServiceOrNone) {
  EXPECT_EQ(health_request(""), "\0\0\0\0\0"s);
  EXPECT_EQ(health_request("shop.Cart"), "\0\0\0\0\x0b\x0a\x09shop.Cart"s);
  const std::string longest(256, 'a');
  EXPECT_EQ(health_request(longest), "\0\0\0\x01\x03\x0a\x80\x02"s + longest);
}

TEST(GrpcHealth, AReplySaysTheStatus) {
  EXPECT_EQ(read_health_reply(framed("\x08\x01")), ServingStatus::kServing);
  EXPECT_EQ(read_health_reply(framed("\x08\x02")), ServingStatus::kNotServing);
  EXPECT_EQ(read_health_reply(framed("\x08\x03")), ServingStatus::kServiceUnknown);
  EXPECT_EQ(read_health_reply(framed("")), ServingStatus::kUnknown);
  EXPECT_EQ(read_health_reply(framed("\x08\xac\x02")), ServingStatus{300});
}

TEST(GrpcHealth, TheLastStatusCounts) {
  EXPECT_EQ(read_health_reply(framed("\x08\x01\x08\x02")), ServingStatus::kNotServing);
}

TEST(GrpcHealth, FieldsThatAreNotKnownAreSteppedOver) {
  EXPECT_EQ(read_health_reply(framed("\x12\x03"
                                     "abc\x18\x80\x01\x21"
                                     "12345678\x2d"
                                     "1234\x08\x01")),
            ServingStatus::kServing);
  // The first field in another type is another field.
  EXPECT_EQ(read_health_reply(framed("\x0a\x01\x01")), ServingStatus::kUnknown);
}

TEST(GrpcHealth, WhatIsNoReplyIsRefused) {
  const std::string good = framed("\x08\x01");
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(read_health_reply(good.substr(0, size))) << size;
  }
  EXPECT_FALSE(read_health_reply(good + good));              // two messages
  EXPECT_FALSE(read_health_reply("\x01" + good.substr(1)));  // compressed
  EXPECT_FALSE(read_health_reply("\0\xff\xff\xff\xff\x08\x01"s));
  EXPECT_FALSE(read_health_reply(framed("\x08")));      // no value
  EXPECT_FALSE(read_health_reply(framed("\x08\x80")));  // an unfinished one
  EXPECT_FALSE(
      read_health_reply(framed("\x12\x05"
                               "abc")));  // longer than the message
  EXPECT_FALSE(
      read_health_reply(framed("\x21"
                               "1234")));
  EXPECT_FALSE(read_health_reply(framed("\x0b\x0c")));   // a group
  EXPECT_FALSE(read_health_reply(framed("\x01\x01"s)));  // field 0
  EXPECT_FALSE(read_health_reply(
      framed("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")));  // more than 64 bits
  EXPECT_FALSE(read_health_reply(
      framed("\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")));  // a length that wraps
}

}  // namespace
}  // namespace portico::checks
