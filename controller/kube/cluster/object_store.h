// The objects of one kind as the API server last said them.
#pragma once

#include <functional>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "controller/kube/objects.h"

namespace portico::kube {

// A decider. What is the same as before keeps its pointer and is told to nobody.
class ObjectStore {
 public:
  // Adds what changes by it to `changes`.
  void put(ObjectPointer object, std::vector<Change>& changes);
  void remove(const ObjectKey& key, std::vector<Change>& changes);

  // A new list, an object at a time; nothing is told until it is whole.
  void begin_list();
  void list(const ObjectPointer& object);
  // It is there, but can't be used: what was held of it, if anything, stays.
  void list_unreadable(const ObjectKey& key);
  // The list is whole: adds what is other than before.
  void end_list(std::vector<Change>& changes);

  // Null where absent.
  [[nodiscard]] ObjectPointer find(const ObjectKey& key) const;
  [[nodiscard]] std::size_t size() const { return objects_.size(); }
  template <class Visit>
  void for_each(Visit visit) const {
    for (const ObjectPointer& object : objects_) {
      visit(object);
    }
  }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(const ObjectPointer& object) const;
    std::size_t operator()(const ObjectKey& key) const;
  };
  struct Same {
    using is_transparent = void;
    bool operator()(const ObjectPointer& a, const ObjectPointer& b) const;
    bool operator()(const ObjectPointer& object, const ObjectKey& key) const;
    bool operator()(const ObjectKey& key, const ObjectPointer& object) const {
      return (*this)(object, key);
    }
  };
  using Set = std::unordered_set<ObjectPointer, Hash, Same>;

  [[nodiscard]] ObjectPointer shared_with_before(const ObjectPointer& object) const;

  Set objects_;
  Set listed_;
};

}  // namespace portico::kube
