// Request ids: a client's own where it is harmless, else 32 lower-case hex digits, as ingress-nginx
// makes them.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace portico::http {

// 1 to 128 letters, digits and "-_.:/+=@": what can stand in a log line and in a field of any
// protocol.
bool is_valid_request_id(std::string_view id);

// Unique, not secret: xoshiro256**, seeded by the kernel.
//
// Thread: worker-bound; each worker has its own.
class RequestIdGenerator {
 public:
  RequestIdGenerator();
  std::string_view next(std::span<char, 32> buffer);  // a view of `buffer`

 private:
  std::uint64_t next_number();

  std::array<std::uint64_t, 4> state_;
};

}  // namespace portico::http
