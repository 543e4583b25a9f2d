// The Date field's value (RFC 9110 5.6.7), made once a second.
#pragma once

#include <array>
#include <chrono>
#include <string_view>

namespace portico::http {

// Thread: worker-bound.
class DateCache {
 public:
  // "Sun, 06 Nov 1994 08:49:37 GMT". A view until the next call.
  std::string_view at(std::chrono::system_clock::time_point time);
  std::string_view now();

 private:
  static constexpr std::size_t kBytes = 29;

  std::chrono::sys_seconds rendered_{std::chrono::sys_seconds::min()};
  std::array<char, kBytes> text_{};
};

}  // namespace portico::http
