#include "controller/kube/cluster/cluster_view.h"

#include <algorithm>

namespace portico::kube {

void ClusterView::add(const Reflector& reflector, Reach reach) {
  holders_.at(reflector.query().kind).push_back({&reflector, reach});
}

void ClusterView::remove(const Reflector& reflector) {
  auto& holders = holders_.at(reflector.query().kind);
  std::erase_if(holders, [&](const Holder& holder) { return holder.reflector == &reflector; });
  reflector.objects().for_each([this](const ObjectPointer& object) {
    ObjectKey key = key_of(*object);
    ObjectPointer now = visible(key);
    changes_.push_back({std::move(key), std::move(now)});
  });
}

void ClusterView::take(const Reflector& reflector, const std::vector<Change>& changes) {
  const std::size_t kind = reflector.query().kind;
  if (kind == kind_index<Namespace>()) {
    take_namespaces(changes);
    return;
  }
  const auto& holders = holders_.at(kind);
  const auto holder = std::ranges::find(holders, &reflector, &Holder::reflector);
  const bool everywhere = holder != holders.end() && holder->reach == Reach::kEverywhere;
  for (const Change& change : changes) {
    if (everywhere || is_selected(change.key.namespace_)) {
      changes_.push_back({change.key, visible(change.key)});
    }
  }
}

bool ClusterView::is_selected(std::string_view namespace_) const {
  return !selector_.has_value() || namespace_.empty() || selected_.contains(namespace_);
}

ObjectPointer ClusterView::visible(const ObjectKey& key) const {
  const bool selected = is_selected(key.namespace_);
  for (const Holder& holder : holders_.at(key.kind)) {
    if (selected || holder.reach == Reach::kEverywhere) {
      if (ObjectPointer object = holder.reflector->objects().find(key)) {
        return object;
      }
    }
  }
  return nullptr;
}

// All changes first, then one look at all objects, whatever the number of namespaces.
void ClusterView::take_namespaces(const std::vector<Change>& changes) {
  std::set<std::string, std::less<>> turned;
  for (const Change& change : changes) {
    const bool selects = change.object != nullptr && selector_.has_value() &&
                         selector_->matches(metadata(*change.object).labels);
    const std::string& name = change.key.name;
    if (selects ? selected_.insert(name).second : selected_.erase(name) != 0) {
      turned.insert(name);
    }
  }
  if (turned.empty()) {
    return;
  }
  for (const auto& holders : holders_) {
    for (const Holder& holder : holders) {
      holder.reflector->objects().for_each([&](const ObjectPointer& object) {
        if (turned.contains(metadata(*object).namespace_)) {
          ObjectKey key = key_of(*object);
          ObjectPointer now = visible(key);
          changes_.push_back({std::move(key), std::move(now)});
        }
      });
    }
  }
}

}  // namespace portico::kube
