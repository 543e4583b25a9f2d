#include "proxy/server/connection_limits.h"

#include <algorithm>

namespace portico::server {
namespace {

// No client's IPv6 address begins with it: it is multicast's.
constexpr std::uint64_t kIpv4Mark = std::uint64_t{0xff} << 56;
constexpr std::size_t kPrefixBytes = 8;

}  // namespace

ClientKey client_key(const net::SocketAddress& address) {
  const auto bytes = address.ip_bytes();
  std::uint64_t key = 0;
  for (const auto byte : bytes.first(std::min(bytes.size(), kPrefixBytes))) {
    key = key << 8 | byte;
  }
  return ClientKey{bytes.size() < kPrefixBytes ? key | kIpv4Mark : key};
}

bool ConnectionLimits::enter() {
  if (open_.fetch_add(1, std::memory_order_relaxed) >= bounds_.total && bounds_.total != 0) {
    leave();
    return false;
  }
  return true;
}

void ConnectionLimits::leave() {
  open_.fetch_sub(1, std::memory_order_relaxed);
}

bool ConnectionLimits::enter(ClientKey client) {
  auto& shard = shard_of(client);
  const tls::MutexLock lock(shard.mutex);
  auto& open = shard.open[static_cast<std::uint64_t>(client)];
  if (open >= bounds_.per_client) {
    return false;
  }
  ++open;
  return true;
}

void ConnectionLimits::leave(ClientKey client) {
  auto& shard = shard_of(client);
  const tls::MutexLock lock(shard.mutex);
  const auto entry = shard.open.find(static_cast<std::uint64_t>(client));
  if (--entry->second == 0) {
    shard.open.erase(entry);
  }
}

ConnectionLimits::Shard& ConnectionLimits::shard_of(ClientKey client) {
  constexpr std::uint64_t kSpread = 0x9E3779B97F4A7C15;  // neighbours to different shards
  return shards_[static_cast<std::uint64_t>(client) * kSpread >> 60];
}

ConnectionTicket::~ConnectionTicket() {
  if (place_ == Place::kCountedForClient) {
    limits_.leave(client_);
  }
  if (place_ != Place::kNone) {
    limits_.leave();
  }
}

bool ConnectionTicket::enter() {
  if (!limits_.enter()) {
    return false;
  }
  place_ = Place::kCounted;
  return true;
}

void ConnectionTicket::enter_for_one_that_leaves() {
  limits_.enter_regardless();
  place_ = Place::kCounted;
}

bool ConnectionTicket::enter_for(const net::SocketAddress& client) {
  if (limits_.bounds().per_client == 0) {
    return true;
  }
  client_ = client_key(client);
  if (!limits_.enter(client_)) {
    return false;
  }
  place_ = Place::kCountedForClient;
  return true;
}

}  // namespace portico::server
