#include "routing/affinity.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "routing/stable_hash.h"

namespace portico::routing {
namespace {

std::optional<std::uint64_t> read_hash(std::string_view text) {
  std::uint64_t hash = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), hash, 16);
  const bool whole = text.size() == 16 && error == std::errc() && end == text.data() + text.size();
  return whole ? std::optional(hash) : std::nullopt;
}

// Keys are drawn until one leads to an endpoint that is not skipped: where nine of ten are, two in
// a million requests find none.
constexpr int kDraws = 128;

}  // namespace

HexHash::HexHash(std::uint64_t value) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (auto digit = digits_.rbegin(); digit != digits_.rend(); ++digit) {
    *digit = kDigits[value & 15];
    value >>= 4;
  }
}

AffinityTable::AffinityTable(std::string_view backend, std::shared_ptr<const HashRing> ring)
    : backend_(stable_hash(backend)), is_persistent_(false), ring_(std::move(ring)) {}

AffinityTable::AffinityTable(std::string_view backend, std::span<const std::string> endpoints,
                             std::shared_ptr<const HashRing> ring)
    : backend_(stable_hash(backend)), is_persistent_(true), ring_(std::move(ring)) {
  hashes_.reserve(endpoints.size());
  by_hash_.reserve(endpoints.size());
  for (const auto& endpoint : endpoints) {
    const auto hash = stable_hash(std::string(backend).append("/").append(endpoint));
    by_hash_.push_back({.hash = hash, .endpoint = static_cast<std::uint32_t>(hashes_.size())});
    hashes_.push_back(hash);
  }
  std::ranges::sort(by_hash_, {}, &Key::hash);
}

std::size_t AffinityTable::endpoints() const {
  return is_persistent_ ? hashes_.size() : ring_->endpoints();
}

std::optional<std::size_t> AffinityTable::find(std::string_view key) const {
  if (!is_persistent_) {
    return ring_->at(stable_hash(key));
  }
  const auto hash = read_hash(key);
  if (!hash) {
    return std::nullopt;
  }
  const auto found = std::ranges::lower_bound(by_hash_, *hash, {}, &Key::hash);
  if (found == by_hash_.end() || found->hash != *hash) {
    return std::nullopt;
  }
  return found->endpoint;
}

std::size_t AffinityTable::draw_endpoint(Lots& lots, Skips skips) const {
  return ring_ != nullptr ? ring_->find(lots.next(), skips)
                          : pick_random(hashes_.size(), lots, skips);
}

AffinityTable::Choice AffinityTable::draw(Lots& lots, Skips skips) const {
  if (is_persistent_) {
    const auto endpoint = draw_endpoint(lots, skips);
    if (endpoint == hashes_.size()) {
      return {.endpoint = endpoint};
    }
    return {.endpoint = endpoint, .new_key = HexHash(hashes_[endpoint])};
  }
  for (int draw = 0; draw < kDraws; ++draw) {
    const HexHash key(lots.next());
    if (const auto endpoint = ring_->at(stable_hash(key.text())); !skips(endpoint)) {
      return {.endpoint = endpoint, .new_key = key};
    }
  }
  return {.endpoint = ring_->find(lots.next(), skips)};
}

std::size_t AffinityTable::stand_in(std::string_view key, Lots& lots, Skips skips) const {
  return is_persistent_ ? draw_endpoint(lots, skips) : ring_->find(stable_hash(key), skips);
}

AffinityTable::Choice choose_by_affinity(const AffinityTable& table, std::string_view key,
                                         bool change_on_failure, Lots& lots,
                                         AffinityTable::Skips skips) {
  const auto own = key.empty() ? std::nullopt : table.find(key);
  if (own && !skips(*own)) {
    return {.endpoint = *own};
  }
  if (own && !change_on_failure) {
    return {.endpoint = table.stand_in(key, lots, skips)};
  }
  return table.draw(lots, skips);
}

}  // namespace portico::routing
