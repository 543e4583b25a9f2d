#include "proxy/checks/grpc_health.h"

#include <optional>

namespace portico::checks {
namespace {

constexpr std::size_t kPrefixBytes = 5;  // whether it is compressed, and its length

enum class WireType : std::uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

void put_varint(std::string& to, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) {
    to.push_back(static_cast<char>(value | 0x80));
  }
  to.push_back(static_cast<char>(value));
}

// Takes what it reads off the front.
std::optional<std::uint64_t> take_varint(std::string_view& bytes) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    value |= std::uint64_t{byte & 0x7fU} << shift;
    if (byte < 0x80) {
      return value;
    }
  }
  return std::nullopt;
}

bool skip(std::string_view& bytes, std::uint64_t count) {
  if (count > bytes.size()) {
    return false;
  }
  bytes.remove_prefix(count);
  return true;
}

// The value of a field that is not known.
bool skip_value(std::string_view& bytes, WireType type) {
  switch (type) {
    case WireType::kVarint:
      return take_varint(bytes).has_value();
    case WireType::kFixed64:
      return skip(bytes, 8);
    case WireType::kBytes: {
      const auto size = take_varint(bytes);
      return size && skip(bytes, *size);
    }
    case WireType::kFixed32:
      return skip(bytes, 4);
  }
  return false;  // groups: nobody has written any for twenty years
}

}  // namespace

std::string health_request(std::string_view service) {
  std::string message;
  if (!service.empty()) {
    message.push_back(1 << 3 | static_cast<char>(WireType::kBytes));
    put_varint(message, service.size());
    message.append(service);
  }
  std::string body(1, '\0');
  for (int shift = 24; shift >= 0; shift -= 8) {
    body.push_back(static_cast<char>(message.size() >> shift));
  }
  return body + message;
}

std::expected<ServingStatus, std::string_view> read_health_reply(std::string_view body) {
  if (body.size() < kPrefixBytes) {
    return std::unexpected("the reply has no message");
  }
  if (body.front() != '\0') {
    return std::unexpected("the reply is compressed");
  }
  std::size_t size = 0;
  for (std::size_t i = 1; i < kPrefixBytes; ++i) {
    size = size << 8 | static_cast<unsigned char>(body[i]);
  }
  auto message = body.substr(kPrefixBytes);
  if (size != message.size()) {
    return std::unexpected("the reply is not one message");
  }
  constexpr std::string_view kMalformed = "the reply is malformed";
  std::uint64_t status = 0;
  while (!message.empty()) {
    const auto tag = take_varint(message);
    if (!tag || *tag >> 3 == 0) {
      return std::unexpected(kMalformed);
    }
    const auto type = static_cast<WireType>(*tag & 7);
    if (*tag >> 3 != 1 || type != WireType::kVarint) {
      if (!skip_value(message, type)) {
        return std::unexpected(kMalformed);
      }
      continue;
    }
    const auto value = take_varint(message);
    if (!value) {
      return std::unexpected(kMalformed);
    }
    status = *value;
  }
  return static_cast<ServingStatus>(status);
}

}  // namespace portico::checks
