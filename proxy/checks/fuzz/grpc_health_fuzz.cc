// Replies to health checks: whatever comes, it is read or refused, and what is read as serving says
// so when a field that nobody knows stands behind it.
#include <cstdlib>
#include <string>

#include "proxy/checks/grpc_health.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using portico::checks::read_health_reply;
  std::string body(reinterpret_cast<const char*>(data), size);
  const auto read = read_health_reply(body);
  if (!read || body.size() > 200) {
    return 0;
  }
  body.append("\x10\x05");  // field 2, a varint
  body[4] = static_cast<char>(body.size() - 5);
  if (read_health_reply(body) != read) {
    std::abort();
  }
  return 0;
}
