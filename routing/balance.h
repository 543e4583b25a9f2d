// Which of a backend's endpoints comes next.
#pragma once

#include <cstdint>
#include <span>

namespace portico::routing {

// Even turns: of any `count` picks in a row each endpoint gets one.
//
// Pure but for its own cursor. Each worker holds one a backend, seeded apart, so that workers don't
// meet at the same endpoint; it outlives the list of endpoints, which may grow and shrink between
// picks.
//
// Thread: bound to its worker.
class RoundRobin {
 public:
  explicit RoundRobin(std::uint32_t seed = 0) : next_(seed) {}

  // An index below `count`, which is not 0.
  [[nodiscard]] std::size_t pick(std::size_t count);

  // The same, stepping over the indexes `tried`; where all were tried, as if none had been.
  [[nodiscard]] std::size_t pick(std::size_t count, std::span<const std::size_t> tried);

 private:
  std::size_t next_;
};

}  // namespace portico::routing
