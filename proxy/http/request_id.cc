#include "proxy/http/request_id.h"

#include <bit>
#include <cstdio>
#include <cstdlib>
#include <sys/random.h>

#include "proxy/http/chars.h"

namespace portico::http {

bool is_valid_request_id(std::string_view id) {
  constexpr std::size_t kLongest = 128;
  if (id.empty() || id.size() > kLongest) {
    return false;
  }
  for (const char c : id) {
    const char lower = to_lower(c);
    const bool allowed = is_digit(c) || (lower >= 'a' && lower <= 'z') ||
                         std::string_view("-_.:/+=@").find(c) != std::string_view::npos;
    if (!allowed) {
      return false;
    }
  }
  return true;
}

RequestIdGenerator::RequestIdGenerator() {
  // The kernel gives up to 256 bytes whole once it is seeded, and waits until it is.
  if (getrandom(state_.data(), sizeof(state_), 0) != static_cast<ssize_t>(sizeof(state_))) {
    std::perror("getrandom");
    std::abort();
  }
}

// xoshiro256** 1.0 by Blackman and Vigna (public domain).
std::uint64_t RequestIdGenerator::next_number() {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

std::string_view RequestIdGenerator::next(std::span<char, 32> buffer) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < buffer.size(); ++i) {
    if (i % 16 == 0) {
      bits = next_number();
    }
    buffer[i] = kHex[bits & 0xf];
    bits >>= 4;
  }
  return {buffer.data(), buffer.size()};
}

}  // namespace portico::http
