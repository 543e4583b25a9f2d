#include "routing/host_index.h"

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

}  // namespace

void HostIndex::Shard::insert(std::size_t hash, Pointer routes) {
  auto at = hash & (capacity - 1);
  while (slots[at].routes != nullptr) {
    at = (at + 1) & (capacity - 1);
  }
  slots[at] = {hash, std::move(routes)};
  ++used;
}

void HostIndex::Shard::rebuild(std::uint32_t new_capacity, const Slot* without) {
  Shard next{.slots = std::make_shared<Slot[]>(new_capacity), .capacity = new_capacity};
  for (std::uint32_t i = 0; i < capacity; ++i) {
    if (slots[i].routes != nullptr && &slots[i] != without) {
      next.insert(slots[i].hash, slots[i].routes);
    }
  }
  *this = std::move(next);
}

HostIndex::Slot* HostIndex::find_slot(std::size_t hash, std::string_view key) const {
  const auto& shard = shards_[shard_of(hash)];
  if (shard.capacity == 0) {
    return nullptr;
  }
  for (auto at = hash & (shard.capacity - 1);; at = (at + 1) & (shard.capacity - 1)) {
    auto& slot = shard.slots[at];
    if (slot.routes == nullptr) {
      return nullptr;
    }
    if (slot.hash == hash && key_of(slot.routes->host()) == key) {
      return &slot;
    }
  }
}

const HostIndex::Pointer* HostIndex::find_exact(std::string_view host) const {
  const auto* slot = host.starts_with('.') ? nullptr : find_slot(hash_of(host), host);
  return slot == nullptr ? nullptr : &slot->routes;
}

const HostIndex::Pointer* HostIndex::find_wildcard(std::string_view suffix) const {
  const auto* slot = suffix.starts_with('.') ? find_slot(hash_of(suffix), suffix) : nullptr;
  return slot == nullptr ? nullptr : &slot->routes;
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
  if (auto* slot = find_slot(hash, key); slot != nullptr) {
    slot->routes = std::move(routes);
    return;
  }
  shard.insert(hash, std::move(routes));
  ++size_;
}

void HostIndex::erase(std::string_view host) {
  const auto hash = hash_of(key_of(host));
  if (const auto* slot = find_slot(hash, key_of(host)); slot != nullptr) {
    auto& shard = shards_[shard_of(hash)];
    shard.rebuild(shard.capacity, slot);
    --size_;
  }
}

}  // namespace portico::routing
