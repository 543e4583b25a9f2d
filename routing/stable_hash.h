// A hash that is the same on every replica, machine and version: what is chosen by it is chosen
// alike everywhere. (abseil's differs from process to process.)
#pragma once

#include <cstdint>
#include <string_view>

namespace portico::routing {

// Every bit of the input moves every bit of the result (MurmurHash3's finalizer).
constexpr std::uint64_t mix_bits(std::uint64_t value) {
  value ^= value >> 33;
  value *= 0xff51afd7ed558ccd;
  value ^= value >> 33;
  value *= 0xc4ceb9fe1a85ec53;
  return value ^ (value >> 33);
}

// FNV-1a, mixed, of a text that comes in pieces: it is for short texts, which need no block of
// their own to be gathered in, and no secret.
class StableHash {
 public:
  constexpr StableHash& add(std::string_view piece) {
    for (const char byte : piece) {
      state_ = (state_ ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
    }
    return *this;
  }
  [[nodiscard]] constexpr std::uint64_t value() const { return mix_bits(state_); }

 private:
  std::uint64_t state_ = 0xcbf29ce484222325;
};

constexpr std::uint64_t stable_hash(std::string_view text) {
  return StableHash().add(text).value();
}

}  // namespace portico::routing
