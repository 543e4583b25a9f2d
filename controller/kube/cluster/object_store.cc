#include "controller/kube/cluster/object_store.h"

#include <utility>

namespace portico::kube {
namespace {

std::size_t hash_names(std::string_view namespace_, std::string_view name) {
  const std::hash<std::string_view> hash;
  return hash(name) * 31 + hash(namespace_);
}

}  // namespace

std::size_t ObjectStore::Hash::operator()(const ObjectPointer& object) const {
  const Metadata& meta = metadata(*object);
  return hash_names(meta.namespace_, meta.name);
}

std::size_t ObjectStore::Hash::operator()(const ObjectKey& key) const {
  return hash_names(key.namespace_, key.name);
}

bool ObjectStore::Same::operator()(const ObjectPointer& a, const ObjectPointer& b) const {
  const Metadata& first = metadata(*a);
  const Metadata& second = metadata(*b);
  return first.name == second.name && first.namespace_ == second.namespace_;
}

bool ObjectStore::Same::operator()(const ObjectPointer& object, const ObjectKey& key) const {
  const Metadata& meta = metadata(*object);
  return meta.name == key.name && meta.namespace_ == key.namespace_;
}

ObjectPointer ObjectStore::shared_with_before(const ObjectPointer& object) const {
  const auto before = objects_.find(object);
  return before != objects_.end() && **before == *object ? *before : object;
}

void ObjectStore::put(ObjectPointer object, std::vector<Change>& changes) {
  const auto before = objects_.find(object);
  if (before != objects_.end()) {
    if (**before == *object) {
      return;
    }
    objects_.erase(before);
  }
  changes.push_back({key_of(*object), object});
  objects_.insert(std::move(object));
}

void ObjectStore::remove(const ObjectKey& key, std::vector<Change>& changes) {
  const auto found = objects_.find(key);
  if (found != objects_.end()) {
    changes.push_back({key_of(**found), nullptr});
    objects_.erase(found);
  }
}

void ObjectStore::begin_list() {
  listed_.clear();
}

void ObjectStore::list(const ObjectPointer& object) {
  listed_.insert(shared_with_before(object));
}

void ObjectStore::list_unreadable(const ObjectKey& key) {
  if (const auto before = objects_.find(key); before != objects_.end()) {
    listed_.insert(*before);
  }
}

void ObjectStore::end_list(std::vector<Change>& changes) {
  for (const ObjectPointer& object : objects_) {
    if (!listed_.contains(object)) {
      changes.push_back({key_of(*object), nullptr});
    }
  }
  for (const ObjectPointer& object : listed_) {
    const auto before = objects_.find(object);
    if (before == objects_.end() || *before != object) {
      changes.push_back({key_of(*object), object});
    }
  }
  objects_ = std::exchange(listed_, {});
}

ObjectPointer ObjectStore::find(const ObjectKey& key) const {
  const auto found = objects_.find(key);
  return found == objects_.end() ? nullptr : *found;
}

}  // namespace portico::kube
