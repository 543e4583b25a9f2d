// A vector whose versions share what did not change.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <vector>

namespace portico::routing {

// Dense indexes to immutable values, in chunks of 64. Copying costs a pointer per chunk; set and
// erase copy one chunk; diff costs the chunks that differ. An index may be empty.
//
// Thread: a version is immutable once it is shared; set and erase belong to the one that builds it.
template <class Value>
class SharedVector {
 public:
  using Pointer = std::shared_ptr<const Value>;

  // Null where empty or beyond the end.
  [[nodiscard]] const Value* find(std::size_t index) const {
    const auto* pointer = find_shared(index);
    return pointer == nullptr ? nullptr : pointer->get();
  }

  // Null where empty or beyond the end; points into the vector.
  [[nodiscard]] const Pointer* find_shared(std::size_t index) const {
    if (index / kChunk >= chunks_.size() || chunks_[index / kChunk] == nullptr) {
      return nullptr;
    }
    const auto& pointer = (*chunks_[index / kChunk])[index % kChunk];
    return pointer == nullptr ? nullptr : &pointer;
  }

  // `value` is never null.
  void set(std::size_t index, Pointer value) {
    if (index / kChunk >= chunks_.size()) {
      chunks_.resize(index / kChunk + 1);
    }
    auto& slot = own_chunk(index)[index % kChunk];
    size_ += slot == nullptr ? 1 : 0;
    slot = std::move(value);
  }

  void erase(std::size_t index) {
    if (find(index) != nullptr) {
      own_chunk(index)[index % kChunk].reset();
      --size_;
    }
  }

  // How many indexes hold a value.
  [[nodiscard]] std::size_t size() const { return size_; }

  // visit(index, const Pointer&) for each value, by index.
  template <class Visit>
  void for_each(Visit visit) const {
    for (std::size_t i = 0; i < chunks_.size() * kChunk; ++i) {
      if (const auto* value = find_shared(i); value != nullptr) {
        visit(i, *value);
      }
    }
  }

  // visit(index, const Pointer* before, const Pointer* after) for each index whose pointers differ;
  // null means empty.
  template <class Visit>
  static void diff(const SharedVector& before, const SharedVector& after, Visit visit) {
    const auto chunks = std::max(before.chunks_.size(), after.chunks_.size());
    for (std::size_t chunk = 0; chunk < chunks; ++chunk) {
      if (before.chunk_at(chunk) == after.chunk_at(chunk)) {
        continue;
      }
      for (std::size_t i = chunk * kChunk; i < (chunk + 1) * kChunk; ++i) {
        if (before.find(i) != after.find(i)) {
          visit(i, before.find_shared(i), after.find_shared(i));
        }
      }
    }
  }

 private:
  static constexpr std::size_t kChunk = 64;
  using Chunk = std::array<Pointer, kChunk>;

  [[nodiscard]] const Chunk* chunk_at(std::size_t chunk) const {
    return chunk < chunks_.size() ? chunks_[chunk].get() : nullptr;
  }

  // A chunk that no other version holds is written in place.
  Chunk& own_chunk(std::size_t index) {
    auto& chunk = chunks_[index / kChunk];
    if (chunk == nullptr) {
      chunk = std::make_shared<Chunk>();
    } else if (chunk.use_count() > 1) {
      chunk = std::make_shared<Chunk>(*chunk);
    }
    return *chunk;
  }

  std::vector<std::shared_ptr<Chunk>> chunks_;
  std::size_t size_ = 0;
};

}  // namespace portico::routing
