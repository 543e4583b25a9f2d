// Host names to what serves them, laid out for the one look-up that every request makes.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace portico::routing {

class HostRoutes;

// Like SharedMap (1,024 shards; versions share those that did not change), but made for cold
// caches: a look-up waits for one word of eight bytes, then for the HostRoutes, which holds the
// host's text and its routes.
//
//   word    address of the HostRoutes (aligned to 64 bytes) | six bits of the hash
//
// A hundred thousand hosts' words are two megabytes, which stay in the second and third level
// caches. Keys are Hostname::text() of exact and wildcard hosts.
//
// Thread: a version is immutable once it is shared; set and erase belong to the one that builds it.
class HostIndex {
 public:
  using Pointer = std::shared_ptr<const HostRoutes>;

  // Null where absent.
  [[nodiscard]] const HostRoutes* find_exact(std::string_view host) const;
  // `suffix`: of wildcard_suffix(), ".example.com" for "*.example.com".
  [[nodiscard]] const HostRoutes* find_wildcard(std::string_view suffix) const;
  // Shares ownership of what a look-up in this version found.
  [[nodiscard]] Pointer share(const HostRoutes& found) const;

  // Replaces the entry of routes->host().
  void set(Pointer routes);
  void erase(std::string_view host);

  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  // What a word points to, kept apart because a look-up does not need it.
  struct Entry {
    std::size_t hash = 0;
    Pointer routes;  // null: free
  };
  struct Slots {
    std::vector<std::uintptr_t> words;  // 0: free
    std::vector<Entry> entries;         // of the same indexes
  };
  // Open addressing with linear steps; a power of two, never full.
  struct Shard {
    const std::uintptr_t* words = nullptr;
    std::uint32_t capacity = 0;
    std::uint32_t used = 0;
    std::shared_ptr<Slots> slots;

    void put(std::size_t at, std::size_t hash, Pointer routes);
    void insert(std::size_t hash, Pointer routes);
    void rebuild(std::uint32_t new_capacity, const Entry* without);
  };

  struct Place {
    const HostRoutes* routes = nullptr;  // null: absent
    std::size_t at = 0;
  };
  [[nodiscard]] Place locate(std::size_t hash, std::string_view key) const;

  std::array<Shard, 1024> shards_;
  std::size_t size_ = 0;
};

}  // namespace portico::routing
