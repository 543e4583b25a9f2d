#include "tls/client_hello.h"

#include <random>

#include <gtest/gtest.h>

#include "tls/testing/client.h"
#include "tls/testing/hello_oracle.h"

namespace portico::tls {
namespace {

ClientHelloResult read(std::string_view bytes) {
  return read_client_hello({bytes.data(), bytes.size()});
}

std::string hello_of(const testing::ClientOptions& options) {
  testing::Client client(options);
  client.handshake();
  return client.take_output();
}

// The hello's record, cut into records of `bytes` each.
std::string in_records_of(std::string_view record, std::size_t bytes) {
  std::string records;
  for (auto body = record.substr(5); !body.empty();
       body.remove_prefix(std::min(bytes, body.size()))) {
    const auto fragment = body.substr(0, bytes);
    records.append(record.substr(0, 3));
    records.push_back(static_cast<char>(fragment.size() >> 8));
    records.push_back(static_cast<char>(fragment.size() & 0xFF));
    records.append(fragment);
  }
  return records;
}

struct Row {
  const char* name;
  testing::ClientOptions options;
  ClientHello expected;
};

std::vector<Row> rows() {
  return {
      {"1.3 with a name", {}, {.server_name = "a.example.com", .alpn = {}}},
      {"upper case",
       {.server_name = "A.Example.COM"},
       {.server_name = "a.example.com", .alpn = {}}},
      {"no name", {.server_name = ""}, {}},
      {"1.2", {.version = TLS1_2_VERSION}, {.server_name = "a.example.com", .alpn = {}}},
      {"ALPN",
       {.alpn = {"h2", "http/1.1"}},
       {.server_name = "a.example.com", .alpn = {"h2", "http/1.1"}}},
      {"many protocols",
       {.server_name = "", .alpn = std::vector<std::string>(40, std::string(200, 'x'))},
       {.server_name = "", .alpn = std::vector<std::string>(40, std::string(200, 'x'))}},
  };
}

TEST(ClientHello, TellsTheNameAndTheProtocols) {
  for (const auto& row : rows()) {
    const auto result = read(hello_of(row.options));
    const auto* hello = std::get_if<ClientHello>(&result);
    ASSERT_NE(hello, nullptr) << row.name;
    EXPECT_EQ(*hello, row.expected) << row.name;
  }
}

TEST(ClientHello, IsTheSameInRecordsOfAnySize) {
  for (const auto& row : rows()) {
    const auto hello = hello_of(row.options);
    for (const std::size_t size : {1, 2, 3, 4, 5, 100, 16384}) {
      const auto records = in_records_of(hello, size);
      if (records.size() > kMaxClientHello) {
        continue;
      }
      const auto result = read(records + "what follows");
      ASSERT_TRUE(std::holds_alternative<ClientHello>(result)) << row.name << size;
      EXPECT_EQ(std::get<ClientHello>(result), row.expected);
    }
  }
}

TEST(ClientHello, IsIncompleteUntilItsLastByteAndSaysForHowLong) {
  const auto hello = hello_of({.alpn = {"h2"}});
  for (const auto& bytes : {hello, in_records_of(hello, 7)}) {
    std::size_t silent_until = 0;
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const auto result = read(bytes.substr(0, size));
      const auto* incomplete = std::get_if<ClientHelloIncomplete>(&result);
      ASSERT_NE(incomplete, nullptr) << size;
      ASSERT_GT(incomplete->more, 0);
      silent_until = std::max(silent_until, size + incomplete->more);
      ASSERT_LE(silent_until, bytes.size());
    }
    EXPECT_EQ(silent_until, bytes.size());
  }
}

TEST(ClientHello, IsNoneOfOtherBytes) {
  using std::string_literals::operator""s;
  const auto hello = hello_of({});
  const auto changed = [&hello](std::size_t at, char to) {
    auto bytes = hello;
    bytes[at] = to;
    return bytes;
  };
  const std::pair<const char*, std::string> cases[] = {
      {"a request", "GET / HTTP/1.1\r\n"},
      {"an SSL 2 hello", "\x80\x2e\x01\x00\x02"s},
      {"an alert", "\x15\x03\x01\x00\x02"s},
      {"an empty record", "\x16\x03\x01\x00\x00"s},
      {"a record that is too long", "\x16\x03\x01\x40\x01"s},
      {"a ServerHello", changed(5, 2)},
      {"a message that is too long", changed(6, 1)},
      {"a session id that is too long", changed(5 + 4 + 34, 33)},
      {"its extensions cut off", in_records_of(hello.substr(0, hello.size() - 5), 16384)},
  };
  for (const auto& [name, bytes] : cases) {
    const auto result = read(bytes);
    EXPECT_FALSE(std::holds_alternative<ClientHello>(result)) << name;
    if (std::string_view(name) != "its extensions cut off") {
      EXPECT_TRUE(std::holds_alternative<NoClientHello>(result)) << name;
    }
  }
}

// What OpenSSL takes, is read here with the same result; what is refused here, OpenSSL refuses.
TEST(ClientHello, IsReadAsOpenSslReadsIt) {
  std::mt19937 random(11);
  std::vector<std::string> hellos;
  for (const auto& row : rows()) {
    hellos.push_back(hello_of(row.options));
  }
  int taken = 0;
  for (int round = 0; round < 400; ++round) {
    auto bytes = hellos[random() % hellos.size()];
    for (auto changes = random() % 3; changes > 0; --changes) {
      bytes[random() % bytes.size()] = static_cast<char>(random() % 256);
    }
    const auto expected = testing::openssl_reads(bytes);
    if (!expected) {
      continue;
    }
    ++taken;
    const auto result = read(bytes);
    ASSERT_TRUE(std::holds_alternative<ClientHello>(result)) << round;
    EXPECT_EQ(std::get<ClientHello>(result), *expected);
  }
  EXPECT_GT(taken, 100);
}

std::optional<std::size_t> to_feed(std::string_view bytes) {
  return hello_bytes_to_feed({bytes.data(), bytes.size()});
}

const std::string kChangeCipherSpec("\x14\x03\x03\x00\x01\x01", 6);
const std::string kWarning("\x15\x03\x03\x00\x02\x01\x5a", 7);

TEST(HelloToFeed, IsWholeAndAlone) {
  for (const auto& row : rows()) {
    SCOPED_TRACE(row.name);
    for (const std::size_t fragment : {std::size_t{16'000}, std::size_t{100}, std::size_t{1}}) {
      const auto hello = in_records_of(hello_of(row.options), fragment);
      if (hello.size() > kMaxClientHello) {
        continue;
      }
      for (std::size_t size = 0; size < hello.size(); size += 1 + size / 64) {
        EXPECT_EQ(to_feed(hello.substr(0, size)), 0U) << size;
      }
      EXPECT_EQ(to_feed(hello), hello.size());
      EXPECT_EQ(to_feed(hello + hello.substr(0, 9)), hello.size());
    }
  }
}

TEST(HelloToFeed, WhatMayPrecedeItIsGivenInWholeRecords) {
  const auto hello = hello_of({});
  const auto before = kChangeCipherSpec + kWarning;
  EXPECT_EQ(to_feed(before.substr(0, 3)), 0U);
  EXPECT_EQ(to_feed(before.substr(0, 9)), 6U);
  EXPECT_EQ(to_feed(before), before.size());
  EXPECT_EQ(to_feed(before + hello.substr(0, 9)), before.size());
  EXPECT_EQ(to_feed(before + hello), before.size() + hello.size());
}

TEST(HelloToFeed, WhatIsNoneIsOpenSslsToJudge) {
  for (const std::string_view bytes : {"GET / HTTP/1.1\r\n", "\x17\x03\x03", "\x16\x03\x03\x40"}) {
    EXPECT_EQ(to_feed(bytes), bytes.size() > 4 || bytes[0] != '\x16' ? bytes.size() : 0U);
  }
  const std::string other("\x16\x03\x03\x00\x05\x0b\x00\x00\x01\x00", 10);
  EXPECT_EQ(to_feed(other), other.size());
}

TEST(HelloToFeed, ALongOneAndOneInCompanyAreRefused) {
  const std::string long_one("\x16\x03\x01\x40\x00\x01\x01\xff\xf0", 9);
  EXPECT_EQ(to_feed(long_one), std::nullopt);
  EXPECT_EQ(to_feed(kChangeCipherSpec + long_one), std::nullopt);
  auto crowded = hello_of({}) + std::string("\x01\x01\xff\xf0", 4);
  crowded[4] = static_cast<char>(crowded[4] + 4);
  EXPECT_EQ(to_feed(crowded), std::nullopt);
  EXPECT_EQ(to_feed(std::string_view(crowded).substr(0, crowded.size() - 4)), std::nullopt);
}

TEST(HelloToFeed, KnowsAWishForAnotherHello) {
  std::string answer("\x16\x03\x03\x00\x58\x02\x00\x00\x54\x03\x03", 11);
  EXPECT_FALSE(asks_for_another_hello(answer));
  answer +=
      "\xCF\x21\xAD\x74\xE5\x9A\x61\x11\xBE\x1D\x8C\x02\x1E\x65\xB8\x91"
      "\xC2\xA2\x11\x16\x7A\xBB\x8C\x5E\x07\x9E\x09\xE2\xC8\xA8\x33\x9C";
  EXPECT_TRUE(asks_for_another_hello(answer));
  answer.back() = 'x';
  EXPECT_FALSE(asks_for_another_hello(answer));
}

}  // namespace
}  // namespace portico::tls
