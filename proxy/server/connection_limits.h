// How many client connections are open: in all, and of each client.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include <absl/container/flat_hash_map.h>

#include "proxy/net/listener.h"
#include "proxy/net/socket_address.h"
#include "tls/mutex.h"

namespace portico::server {

// Whom a connection is counted for: an IPv4 address, or the first 64 bits of an IPv6 address, which
// is what one subscriber has at least.
enum class ClientKey : std::uint64_t {};
ClientKey client_key(const net::SocketAddress& address);

// Thread:    shared by all workers; touched when a connection comes and goes, and the table of
//            clients only where there is a limit for them.
// Memory:    an entry for each client that has a connection open: never more than connections.
class ConnectionLimits {
 public:
  struct Bounds {
    std::uint64_t total = 0;       // 0: no limit
    std::uint64_t per_client = 0;  // 0: no limit
  };
  explicit ConnectionLimits(Bounds bounds) : bounds_(bounds) {}
  ConnectionLimits(const ConnectionLimits&) = delete;
  ConnectionLimits& operator=(const ConnectionLimits&) = delete;

  [[nodiscard]] std::uint64_t open() const { return open_.load(std::memory_order_relaxed); }
  [[nodiscard]] const Bounds& bounds() const { return bounds_; }

 private:
  friend class ConnectionTicket;
  struct Shard {
    tls::Mutex mutex;
    absl::flat_hash_map<std::uint64_t, std::uint64_t> open PORTICO_GUARDED_BY(mutex);
  };

  bool enter();
  void enter_regardless() { open_.fetch_add(1, std::memory_order_relaxed); }
  void leave();
  bool enter(ClientKey client);
  void leave(ClientKey client);
  Shard& shard_of(ClientKey client);

  const Bounds bounds_;
  std::atomic<std::uint64_t> open_ = 0;
  std::array<Shard, 16> shards_;
};

// One connection's place among them, given back when it dies: it lives as long as the socket.
//
// Lifetime:  the limits outlive it.
class ConnectionTicket final : public net::Attachment {
 public:
  explicit ConnectionTicket(ConnectionLimits& limits) : limits_(limits) {}
  ~ConnectionTicket() override;

  // False: there are as many as there may be, and this one is not counted.
  [[nodiscard]] bool enter();
  // In the place of one that is being closed and still counted.
  void enter_for_one_that_leaves();
  // Counts it for its client, once; false: that one has as many as it may have.
  [[nodiscard]] bool enter_for(const net::SocketAddress& client);

 private:
  enum class Place : std::uint8_t { kNone, kCounted, kCountedForClient };

  ConnectionLimits& limits_;
  ClientKey client_{};
  Place place_ = Place::kNone;
};

}  // namespace portico::server
