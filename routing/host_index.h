// Host names to what serves them, laid out for the one look-up that every request makes.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

namespace portico::routing {

class HostRoutes;

// Like SharedMap (1,024 shards; versions share those that did not change), but a look-up reads two
// places: a slot with the host's whole hash, then the HostRoutes, which holds the host's text. Keys
// are Hostname::text() of exact and wildcard hosts.
//
// Thread: a version is immutable once it is shared; set and erase belong to the one that builds it.
class HostIndex {
 public:
  using Pointer = std::shared_ptr<const HostRoutes>;

  // Null where absent; points into the index.
  [[nodiscard]] const Pointer* find_exact(std::string_view host) const;
  // `suffix`: of wildcard_suffix(), ".example.com" for "*.example.com".
  [[nodiscard]] const Pointer* find_wildcard(std::string_view suffix) const;

  // Replaces the entry of routes->host().
  void set(Pointer routes);
  void erase(std::string_view host);

  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  struct Slot {
    std::size_t hash = 0;
    Pointer routes;  // null: free
  };
  // Open addressing with linear steps; a power of two, never full.
  struct Shard {
    std::shared_ptr<Slot[]> slots;
    std::uint32_t capacity = 0;
    std::uint32_t used = 0;

    void insert(std::size_t hash, Pointer routes);
    void rebuild(std::uint32_t new_capacity, const Slot* without);
  };

  [[nodiscard]] Slot* find_slot(std::size_t hash, std::string_view key) const;

  std::array<Shard, 1024> shards_;
  std::size_t size_ = 0;
};

}  // namespace portico::routing
