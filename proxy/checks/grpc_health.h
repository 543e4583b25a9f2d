// The two messages of grpc.health.v1.Health/Check, as they stand in the bodies of a call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>

namespace portico::checks {

// Of grpc.health.v1.HealthCheckResponse; others may come.
enum class ServingStatus : std::uint64_t {
  kUnknown = 0,
  kServing = 1,
  kNotServing = 2,
  kServiceUnknown = 3,
};

// The whole body of the request: one message, with its length before it.
[[nodiscard]] std::string health_request(std::string_view service);

// What a whole body of a reply says, or why it is none. Fields that are not known are stepped over,
// and of the status the last one counts (as protobuf has it).
[[nodiscard]] std::expected<ServingStatus, std::string_view> read_health_reply(
    std::string_view body);

// A reply that is longer is none.
inline constexpr std::size_t kMostReplyBytes = 1024;

}  // namespace portico::checks
