// What benchmarks fill tables with: numbered hosts of ten paths each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace portico::routing::testing {

inline constexpr const char* kTenPaths[] = {
    "/",           "/api",       "/api/v1/items", "/api/v1/users", "/login",
    "/static/css", "/static/js", "/admin",        "/health",       "/api/v2"};

// The host's text; the digits are what differs.
class NumberedHost {
 public:
  std::string_view with(std::uint32_t number) {
    for (std::size_t at = kLastDigit; at > kLastDigit - 6; --at) {
      text_[at] = static_cast<char>('0' + number % 10);
      number /= 10;
    }
    return text_;
  }

 private:
  static constexpr std::size_t kLastDigit = 13;
  std::string text_ = "service-000000.team.example.com";
};

}  // namespace portico::routing::testing
