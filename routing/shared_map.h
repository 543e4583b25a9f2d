// A map whose versions share what did not change.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <absl/container/flat_hash_map.h>

namespace portico::routing {

struct StringHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>{}(text);
  }
};

// String keys to immutable values, in 1,024 shards. Copying costs the shard array; set and erase
// copy one shard; diff costs the shards that differ. A value is never null.
//
// Thread: a version is immutable once it is shared; set and erase belong to the one that builds it.
template <class Value>
class SharedMap {
 public:
  using Pointer = std::shared_ptr<const Value>;
  using Shard = absl::flat_hash_map<std::string, Pointer, StringHash, std::equal_to<>>;

  [[nodiscard]] const Value* find(std::string_view key) const {
    const auto pointer = find_shared(key);
    return pointer == nullptr ? nullptr : pointer->get();
  }

  // Null where absent; points into the map.
  [[nodiscard]] const Pointer* find_shared(std::string_view key) const {
    const auto hash = StringHash{}(key);
    const auto& shard = shards_[shard_of(hash)];
    if (shard == nullptr) {
      return nullptr;
    }
    const auto found = shard->find(key, hash);
    return found == shard->end() ? nullptr : &found->second;
  }

  void set(std::string_view key, Pointer value) {
    auto& shard = own_shard(key);
    const auto [entry, added] = shard.insert_or_assign(std::string(key), std::move(value));
    size_ += added ? 1 : 0;
  }

  void erase(std::string_view key) {
    if (find(key) != nullptr) {
      own_shard(key).erase(key);
      --size_;
    }
  }

  [[nodiscard]] std::size_t size() const { return size_; }

  // visit(key, const Pointer&) for each entry, in no order.
  template <class Visit>
  void for_each(Visit visit) const {
    for (const auto& shard : shards_) {
      if (shard != nullptr) {
        for (const auto& [key, value] : *shard) {
          visit(key, value);
        }
      }
    }
  }

  // visit(key, const Pointer* before, const Pointer* after) for each key whose pointers differ;
  // null means absent.
  template <class Visit>
  static void diff(const SharedMap& before, const SharedMap& after, Visit visit) {
    static const Shard kEmpty;
    constexpr const Pointer* kAbsent = nullptr;
    for (std::size_t i = 0; i < kShards; ++i) {
      if (before.shards_[i] == after.shards_[i]) {
        continue;
      }
      const auto& old_shard = before.shards_[i] ? *before.shards_[i] : kEmpty;
      const auto& new_shard = after.shards_[i] ? *after.shards_[i] : kEmpty;
      for (const auto& [key, value] : new_shard) {
        const auto old_entry = old_shard.find(key);
        if (old_entry == old_shard.end()) {
          visit(key, kAbsent, &value);
          continue;
        }
        if (old_entry->second != value) {
          visit(key, &old_entry->second, &value);
        }
      }
      for (const auto& [key, value] : old_shard) {
        if (!new_shard.contains(key)) {
          visit(key, &value, kAbsent);
        }
      }
    }
  }

 private:
  static constexpr std::size_t kShards = 1024;

  // By the hash's high bits: inside a shard the table looks at the low ones.
  static std::size_t shard_of(std::size_t hash) { return hash >> (64 - 10); }

  // A shard that no other version holds is written in place.
  Shard& own_shard(std::string_view key) {
    auto& shard = shards_[shard_of(StringHash{}(key))];
    if (shard == nullptr) {
      shard = std::make_shared<Shard>();
    } else if (shard.use_count() > 1) {
      shard = std::make_shared<Shard>(*shard);
    }
    return *shard;
  }

  std::array<std::shared_ptr<Shard>, kShards> shards_;
  std::size_t size_ = 0;
};

}  // namespace portico::routing
