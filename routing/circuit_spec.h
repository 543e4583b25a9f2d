// How much a backend is asked to bear at once, as asked for: plain data.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace portico::routing {

// Of one process, all its workers together. What is not given is not limited.
struct CircuitSpec {
  std::optional<std::uint32_t> max_connections;
  std::optional<std::uint32_t> max_requests;  // under way
  std::optional<std::uint32_t> max_pending;   // waiting for one of those above
  std::optional<std::uint32_t> max_retries;   // under way
  // How long one waits; none: where a limit is reached the request is refused at once.
  std::optional<std::chrono::milliseconds> queue_timeout;
  // The limit of requests follows the endpoints' latency; max_requests is the most it may be.
  std::optional<bool> adaptive;

  bool operator==(const CircuitSpec&) const = default;

  // What is not given here is as in `other`.
  [[nodiscard]] CircuitSpec or_else(const CircuitSpec& other) const;
};

}  // namespace portico::routing
