#include "controller/translate/client_reading.h"

#include "controller/translate/annotation_values.h"

namespace portico::translate {

std::expected<std::chrono::milliseconds, std::string_view> read_keep_alive(std::string_view text) {
  constexpr std::uint64_t kYear = 365ULL * 24 * 3600;
  const auto seconds = read_count(text);
  if (!seconds || *seconds > kYear) {
    return std::unexpected(
        "a whole number of seconds without a unit (\"75\"), or 0 for one request a connection");
  }
  return std::chrono::seconds(*seconds);
}

std::expected<std::uint32_t, std::string_view> read_concurrent_streams(std::string_view text) {
  constexpr std::uint64_t kMost = 65'535;
  const auto streams = read_count(text);
  if (!streams || *streams < 1 || *streams > kMost) {
    return std::unexpected("a whole number from 1 to 65535");
  }
  return static_cast<std::uint32_t>(*streams);
}

}  // namespace portico::translate
