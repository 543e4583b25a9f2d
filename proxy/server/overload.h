// When memory runs out: what is given up first, and until when.
#pragma once

#include <cstdint>

#include "proxy/exchange/pressure.h"

namespace portico::server {

using exchange::Pressure;

// Each level begins at its share of the limit and ends a twentieth of the limit below, so that it
// does not flicker. Pure: what is used is told.
class Overload {
 public:
  // 0: there is no limit, and never any pressure.
  explicit Overload(std::uint64_t limit_bytes) : limit_bytes_(limit_bytes) {}

  Pressure judge(std::uint64_t used_bytes);
  [[nodiscard]] Pressure pressure() const { return pressure_; }
  [[nodiscard]] std::uint64_t limit_bytes() const { return limit_bytes_; }

 private:
  std::uint64_t limit_bytes_;
  Pressure pressure_ = Pressure::kNone;
};

}  // namespace portico::server
