#include "tls/client_hello.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

namespace portico::tls {
namespace {

constexpr std::size_t kRecordHeader = 5;
constexpr std::size_t kHandshakeHeader = 4;
constexpr std::size_t kMaxFragment = std::size_t{16} * 1024;
constexpr std::uint8_t kChangeCipherSpecRecord = 20;
constexpr std::uint8_t kAlertRecord = 21;
constexpr std::uint8_t kHandshakeRecord = 22;
constexpr std::uint8_t kMajorVersion = 3;
constexpr std::uint8_t kClientHelloMessage = 1;
constexpr std::uint8_t kServerHelloMessage = 2;
constexpr std::uint16_t kServerName = 0;
constexpr std::uint16_t kAlpn = 16;
constexpr std::uint8_t kHostName = 0;
constexpr std::size_t kMaxServerName = 255;

// Reads on from the front; once anything was missing, everything is.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] bool at_end() const { return bytes_.empty(); }

  std::string_view take(std::size_t count) {
    if (bytes_.size() < count) {
      failed_ = true;
      bytes_ = {};
      return {};
    }
    const auto taken = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return taken;
  }
  // A big-endian number of `count` bytes.
  std::size_t number(std::size_t count) {
    std::size_t value = 0;
    for (const char byte : take(count)) {
      value = value << 8 | static_cast<std::uint8_t>(byte);
    }
    return value;
  }
  // What follows a length of `count` bytes.
  std::string_view vector(std::size_t count) { return take(number(count)); }

 private:
  std::string_view bytes_;
  bool failed_ = false;
};

bool read_server_name(std::string_view extension, ClientHello& into) {
  Reader reader(extension);
  Reader list(reader.vector(2));
  const auto kind = list.number(1);
  const auto name = list.vector(2);
  // One name, of the only kind there is (RFC 6066 3).
  if (reader.failed() || !reader.at_end() || list.failed() || !list.at_end() || kind != kHostName ||
      name.empty() || name.size() > kMaxServerName || name.find('\0') != std::string_view::npos) {
    return false;
  }
  into.server_name = name;
  for (char& c : into.server_name) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  }
  return true;
}

bool read_alpn(std::string_view extension, ClientHello& into) {
  Reader reader(extension);
  Reader list(reader.vector(2));
  if (reader.failed() || !reader.at_end() || list.at_end()) {
    return false;
  }
  while (!list.at_end()) {
    const auto protocol = list.vector(1);
    if (list.failed() || protocol.empty()) {
      return false;
    }
    into.alpn.emplace_back(protocol);
  }
  return true;
}

bool read_extensions(std::string_view extensions, ClientHello& into) {
  Reader reader(extensions);
  bool named = false;
  bool offered = false;
  while (!reader.at_end()) {
    const auto type = reader.number(2);
    const auto body = reader.vector(2);
    if (reader.failed()) {
      return false;
    }
    // A second one of a kind would leave it to the reader which counts.
    if (type == kServerName && (std::exchange(named, true) || !read_server_name(body, into))) {
      return false;
    }
    if (type == kAlpn && (std::exchange(offered, true) || !read_alpn(body, into))) {
      return false;
    }
  }
  return true;
}

// RFC 8446 4.1.2; the same in every version since SSL 3.
ClientHelloResult read_message(std::string_view body) {
  Reader reader(body);
  reader.take(2 + 32);  // version, random
  const auto session = reader.vector(1);
  const auto ciphers = reader.vector(2);
  const auto compressions = reader.vector(1);
  if (reader.failed() || session.size() > 32 || ciphers.empty() || ciphers.size() % 2 != 0 ||
      compressions.empty()) {
    return NoClientHello{};
  }
  ClientHello hello;
  if (reader.at_end()) {
    return hello;  // before there were extensions
  }
  const auto extensions = reader.vector(2);
  if (reader.failed() || !reader.at_end() || !read_extensions(extensions, hello)) {
    return NoClientHello{};
  }
  return hello;
}

// How many bytes `message` has to have before it is whole, as far as that is known by now.
std::size_t bytes_of(std::string_view message) {
  if (message.size() < kHandshakeHeader) {
    return message.empty() ? 1 : kHandshakeHeader;
  }
  return kHandshakeHeader + Reader(message.substr(1, 3)).number(3);
}

bool is_foreign(std::string_view record) {
  return (!record.empty() && static_cast<std::uint8_t>(record[0]) != kHandshakeRecord) ||
         (record.size() > 1 && static_cast<std::uint8_t>(record[1]) != kMajorVersion);
}

// Joins the records' fragments until `message` is whole, takes them off `bytes`, and returns
// nothing; or what else is to be said.
std::optional<ClientHelloResult> join_records(std::string_view& bytes, std::string& message) {
  while (message.size() < bytes_of(message)) {
    if (is_foreign(bytes)) {
      return NoClientHello{};
    }
    if (bytes.size() < kRecordHeader) {
      return ClientHelloIncomplete{.more = kRecordHeader - bytes.size()};
    }
    const auto length = Reader(bytes.substr(3, 2)).number(2);
    const auto fragment = bytes.substr(kRecordHeader, length);
    if (length == 0 || length > kMaxFragment) {
      return NoClientHello{};
    }
    message.append(fragment);
    if ((!message.empty() && message[0] != kClientHelloMessage) ||
        bytes_of(message) > kMaxClientHello) {
      return NoClientHello{};
    }
    if (fragment.size() < length && message.size() < bytes_of(message)) {
      return ClientHelloIncomplete{
          .more = std::min(length - fragment.size(), bytes_of(message) - message.size())};
    }
    bytes.remove_prefix(kRecordHeader + fragment.size());
  }
  return std::nullopt;
}

// What may stand before a hello: alerts, and the change of ciphers that is none (RFC 8446 D.4).
bool may_precede_hello(std::string_view record) {
  const auto type = record.empty() ? 0 : static_cast<std::uint8_t>(record[0]);
  return type == kChangeCipherSpecRecord || type == kAlertRecord;
}

// Of the first record, as it says; of the header where that is not whole.
std::size_t record_bytes(std::string_view bytes) {
  return kRecordHeader + (bytes.size() < kRecordHeader ? 0 : Reader(bytes.substr(3, 2)).number(2));
}

// Of the whole records at the start that may precede one.
std::size_t bytes_before_hello(std::string_view bytes) {
  std::size_t at = 0;
  while (may_precede_hello(bytes.substr(at)) &&
         record_bytes(bytes.substr(at)) <= bytes.size() - at) {
    at += record_bytes(bytes.substr(at));
  }
  return at;
}

// Nothing stands behind the hello in its last record, or is to come there.
bool ends_with_its_record(std::string_view records, std::string_view message) {
  while (record_bytes(records) < records.size()) {
    records.remove_prefix(record_bytes(records));
  }
  return record_bytes(records) == records.size() && message.size() == bytes_of(message);
}

}  // namespace

std::optional<std::size_t> hello_bytes_to_feed(std::span<const char> bytes) {
  const std::string_view all(bytes.data(), bytes.size());
  const auto before = bytes_before_hello(all);
  auto rest = all.substr(before);
  if (rest.empty() || may_precede_hello(rest)) {
    return before;
  }
  std::string message;
  const auto unfinished = join_records(rest, message);
  const bool is_hello = !message.empty() && message[0] == kClientHelloMessage;
  if (unfinished && is_hello &&
      (bytes_of(message) > kMaxClientHello || all.size() - before >= kMaxClientHello)) {
    return std::nullopt;
  }
  if (unfinished) {
    return std::holds_alternative<NoClientHello>(*unfinished) ? all.size() : before;
  }
  const auto end = all.size() - rest.size();
  return ends_with_its_record(all.substr(before, end - before), message) ? std::optional(end)
                                                                         : std::nullopt;
}

bool asks_for_another_hello(std::span<const char> answer) {
  // SHA-256 of "HelloRetryRequest" (RFC 8446 4.1.3), in the place of a server hello's random.
  constexpr std::string_view kRetry =
      "\xCF\x21\xAD\x74\xE5\x9A\x61\x11\xBE\x1D\x8C\x02\x1E\x65\xB8\x91"
      "\xC2\xA2\x11\x16\x7A\xBB\x8C\x5E\x07\x9E\x09\xE2\xC8\xA8\x33\x9C";
  constexpr std::size_t kAt = kRecordHeader + kHandshakeHeader + 2;
  const std::string_view bytes(answer.data(), answer.size());
  return bytes.size() >= kAt + kRetry.size() && bytes[0] == kHandshakeRecord &&
         bytes[kRecordHeader] == kServerHelloMessage && bytes.substr(kAt, kRetry.size()) == kRetry;
}

ClientHelloResult read_client_hello(std::span<const char> bytes) {
  std::string message;
  std::string_view rest(bytes.data(), bytes.size());
  if (auto unfinished = join_records(rest, message)) {
    if (bytes.size() >= kMaxClientHello) {
      return NoClientHello{};
    }
    return std::move(*unfinished);
  }
  return read_message(
      std::string_view(message).substr(kHandshakeHeader, bytes_of(message) - kHandshakeHeader));
}

}  // namespace portico::tls
