#include "routing/host_index.h"

#include <algorithm>

#include "routing/route_table.h"
#include "routing/shared_map.h"

namespace portico::routing {
namespace {

constexpr std::uint32_t kFirstCapacity = 4;

// What an entry is found by: "*.example.com" by its suffix, so that a look-up need not join
// strings. No exact host begins with a dot.
std::string_view key_of(std::string_view host) {
  return host.starts_with("*.") ? host.substr(1) : host;
}

std::size_t hash_of(std::string_view key) {
  return StringHash{}(key);
}

std::size_t shard_of(std::size_t hash) {
  return hash >> (64 - 10);
}

// The low bits of a word, which are zero in an address. They spare a look-up most visits to other
// hosts.
constexpr std::uintptr_t kTagMask = HostRoutes::kAlignment - 1;

std::uintptr_t tag_of(std::size_t hash) {
  return (hash >> 32) & kTagMask;
}

}  // namespace

void HostIndex::Shard::put(std::size_t at, std::size_t hash, Pointer routes) {
  slots->words[at] = reinterpret_cast<std::uintptr_t>(routes.get()) | tag_of(hash);
  slots->entries[at] = {hash, std::move(routes)};
}

void HostIndex::Shard::insert(std::size_t hash, Pointer routes) {
  auto at = hash & (capacity - 1);
  while (words[at] != 0) {
    at = (at + 1) & (capacity - 1);
  }
  put(at, hash, std::move(routes));
  ++used;
}

void HostIndex::Shard::rebuild(std::uint32_t new_capacity, const Entry* without) {
  Shard next{.capacity = new_capacity, .slots = std::make_shared<Slots>()};
  next.slots->words.resize(new_capacity);
  next.slots->entries.resize(new_capacity);
  next.words = next.slots->words.data();
  for (std::uint32_t i = 0; i < capacity; ++i) {
    const auto& entry = slots->entries[i];
    if (entry.routes != nullptr && &entry != without) {
      next.insert(entry.hash, entry.routes);
    }
  }
  *this = std::move(next);
}

HostIndex::Place HostIndex::locate(std::size_t hash, std::string_view key) const {
  const auto& shard = shards_[shard_of(hash)];
  if (shard.capacity == 0) {
    return {};
  }
  for (auto at = hash & (shard.capacity - 1);; at = (at + 1) & (shard.capacity - 1)) {
    const auto word = shard.words[at];
    if (word == 0) {
      return {};
    }
    if ((word & kTagMask) == tag_of(hash)) {
      const auto* routes = reinterpret_cast<const HostRoutes*>(word & ~kTagMask);
      routes->prefetch();
      if (key_of(routes->host()) == key) {
        return {routes, at};
      }
    }
  }
}

const HostRoutes* HostIndex::find_exact(std::string_view host) const {
  // A leading dot is how a wildcard's key begins.
  return host.starts_with('.') ? nullptr : locate(hash_of(host), host).routes;
}

const HostRoutes* HostIndex::find_wildcard(std::string_view suffix) const {
  return suffix.starts_with('.') ? locate(hash_of(suffix), suffix).routes : nullptr;
}

HostIndex::Pointer HostIndex::share(const HostRoutes& found) const {
  const auto key = key_of(found.host());
  const auto hash = hash_of(key);
  const auto place = locate(hash, key);
  return place.routes == &found ? shards_[shard_of(hash)].slots->entries[place.at].routes : nullptr;
}

void HostIndex::set(Pointer routes) {
  const auto key = key_of(routes->host());
  const auto hash = hash_of(key);
  auto& shard = shards_[shard_of(hash)];
  const bool shared = shard.slots.use_count() > 1;
  const bool full = (shard.used + 1) * 4 > shard.capacity * 3;
  if (shared || full) {
    shard.rebuild(full ? std::max(kFirstCapacity, shard.capacity * 2) : shard.capacity, nullptr);
  }
  if (const auto place = locate(hash, key); place.routes != nullptr) {
    shard.put(place.at, hash, std::move(routes));
    return;
  }
  shard.insert(hash, std::move(routes));
  ++size_;
}

void HostIndex::erase(std::string_view host) {
  const auto key = key_of(host);
  const auto hash = hash_of(key);
  if (const auto place = locate(hash, key); place.routes != nullptr) {
    auto& shard = shards_[shard_of(hash)];
    shard.rebuild(shard.capacity, &shard.slots->entries[place.at]);
    --size_;
  }
}

}  // namespace portico::routing
