// The keys that session tickets are sealed with (RFC 5077, RFC 8446 4.6.1).
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "tls/mutex.h"

namespace portico::tls {

// One current key and the one before it. A ticket can be used for at least one period after it was
// issued and for less than two; whoever steals the memory of the process reads no session older
// than that.
//
// Keys that replicas share come before those, as long as there are some; whoever gives them rotates
// them.
//
// Thread:    shared by every worker and every context, so that a client may come back to any of
// them. Errors:    aborts where the system has no randomness.
class TicketKeys {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Now = std::move_only_function<TimePoint() const>;

  struct Key {
    std::array<unsigned char, 16> name;
    std::array<unsigned char, 32> cipher;  // AES-256-CBC
    std::array<unsigned char, 32> mac;     // HMAC-SHA-256
  };
  struct Found {
    Key key;
    bool is_previous =
        false;  // still good, but the client should get a ticket under the current key
  };

  // How a shared key is written: name, mac and cipher in a row, as nginx has it.
  static constexpr std::size_t kWrittenBytes = 80;
  // Null unless it is of that length.
  static std::optional<Key> read(std::string_view written);

  explicit TicketKeys(
      std::chrono::seconds period = std::chrono::hours(12),
      Now now = [] { return std::chrono::steady_clock::now(); });

  // The key to seal a new ticket with. Makes a new one where the period is over.
  [[nodiscard]] Key current();
  // The key of that name, unless it has been rotated out.
  [[nodiscard]] std::optional<Found> find(std::span<const unsigned char, 16> name);

  // The first seals, all of them open; what was sealed before still opens. Empty: keys of its own.
  void share(std::vector<Key> keys);

  [[nodiscard]] std::chrono::seconds period() const { return period_; }

 private:
  static Key generate();
  void rotate_if_due() PORTICO_REQUIRES(mutex_);

  const std::chrono::seconds period_;
  const Now now_;
  Mutex mutex_;
  TimePoint born_ PORTICO_GUARDED_BY(mutex_);
  Key current_ PORTICO_GUARDED_BY(mutex_);
  std::optional<Key> previous_ PORTICO_GUARDED_BY(mutex_);
  std::vector<Key> shared_ PORTICO_GUARDED_BY(mutex_);
};

}  // namespace portico::tls
