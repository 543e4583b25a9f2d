// Session affinity: which endpoint a session's key leads to.
//
// Nothing is remembered of a session: whatever a key leads to, it leads to on every replica.
//
//   balanced    the key is drawn by lot and hashed onto the ring of endpoints. When an endpoint
//               comes or goes, the share of sessions that the ring moves goes with it.
//   persistent  the key is the endpoint's own hash. It holds as long as that endpoint is there.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <absl/functional/function_ref.h>

#include "routing/balance.h"
#include "routing/hash_ring.h"

namespace portico::routing {

// 16 hexadecimal digits.
class HexHash {
 public:
  explicit HexHash(std::uint64_t value);
  [[nodiscard]] std::string_view text() const { return {digits_.data(), digits_.size()}; }

 private:
  std::array<char, 16> digits_;
};

// How keys lead to the endpoints of one backend: compiled, immutable, shared by all workers.
class AffinityTable {
 public:
  // Balanced. `backend` is the name that cookies know it by.
  AffinityTable(std::string_view backend, std::shared_ptr<const HashRing> ring);
  // Persistent. `endpoints` are addresses with ports; the backend's name salts their hashes, as in
  // ingress-nginx. `ring` is of the same ones where their weights differ: new sessions are drawn by
  // it; null: all alike.
  AffinityTable(std::string_view backend, std::span<const std::string> endpoints,
                std::shared_ptr<const HashRing> ring = nullptr);

  // What stands behind the bar in this backend's cookies.
  [[nodiscard]] std::string_view backend() const { return backend_.text(); }
  [[nodiscard]] std::size_t endpoints() const;

  // The endpoint that a key leads to; none for a key of an endpoint that is not there. The key
  // comes from the network: it is hashed, or looked up, and no more.
  [[nodiscard]] std::optional<std::size_t> find(std::string_view key) const;

  using Skips = absl::FunctionRef<bool(std::size_t)>;
  struct Choice {
    std::size_t endpoint = 0;        // endpoints() where all are skipped
    std::optional<HexHash> new_key;  // for a cookie to be set; none: the client's stays, or none is
  };
  // One by lot that is not skipped, with a key that leads to it. (Where next to all are skipped, a
  // balanced one may come without: the next request draws again.)
  [[nodiscard]] Choice draw(Lots& lots, Skips skips) const;

  // Instead of the key's own endpoint, which is skipped, and until it is not: balanced, always the
  // same other one; persistent, any, since this key is that of all its sessions.
  [[nodiscard]] std::size_t stand_in(std::string_view key, Lots& lots, Skips skips) const;

 private:
  struct Key {
    std::uint64_t hash = 0;
    std::uint32_t endpoint = 0;
  };

  // Of persistent ones.
  [[nodiscard]] std::size_t draw_endpoint(Lots& lots, Skips skips) const;

  HexHash backend_;
  bool is_persistent_;
  std::shared_ptr<const HashRing> ring_;  // null: persistent, and all alike
  std::vector<std::uint64_t> hashes_;     // of persistent ones, by endpoint
  std::vector<Key> by_hash_;              // the same, sorted
};

// The endpoint of a request's next try. `key` is that of its cookie, "" where it bore none.
//
//   the key's endpoint is not skipped    that one
//   no key, or its endpoint is gone      one by lot, with a new key
//   its endpoint is skipped              with `change_on_failure` one by lot, with a new key; else
//   a
//                                        stand-in, and the cookie stays
[[nodiscard]] AffinityTable::Choice choose_by_affinity(const AffinityTable& table,
                                                       std::string_view key, bool change_on_failure,
                                                       Lots& lots, AffinityTable::Skips skips);

}  // namespace portico::routing
