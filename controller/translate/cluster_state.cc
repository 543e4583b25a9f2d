#include "controller/translate/cluster_state.h"

#include "controller/translate/ingress_record.h"

namespace portico::translate {
namespace {

std::string key_text(const kube::ObjectKey& key) {
  return key.namespace_.empty() ? key.name : object_name(key.namespace_, key.name);
}

template <class Kind>
std::shared_ptr<const Kind> as(const kube::ObjectPointer& object) {
  return object == nullptr ? nullptr
                           : std::shared_ptr<const Kind>(object, &std::get<Kind>(*object));
}

template <class Kind>
void store(ClusterState::Table<Kind>& table, const std::string& key,
           const kube::ObjectPointer& object) {
  if (object == nullptr) {
    table.erase(key);
  } else {
    table.insert_or_assign(key, as<Kind>(object));
  }
}

// Stores it, and says whether it may serve differently now: a change of its status doesn't.
template <class Kind>
bool store_and_compare(ClusterState::Table<Kind>& table, const std::string& key,
                       const kube::ObjectPointer& object) {
  const auto before = table.find(key);
  const bool alike = before != table.end() && object != nullptr &&
                     kube::serves_alike(*before->second, std::get<Kind>(*object));
  store(table, key, object);
  return !alike;
}

template <class Table>
typename Table::mapped_type find(const Table& table, std::string_view key) {
  const auto found = table.find(key);
  return found == table.end() ? nullptr : found->second;
}

}  // namespace

Touched ClusterState::apply(std::span<const kube::Change> changes) {
  Touched touched;
  for (const auto& change : changes) {
    auto key = key_text(change.key);
    switch (change.key.kind) {
      case kube::kind_index<kube::Ingress>():
        if (store_and_compare(ingresses_, key, change.object)) {
          touched.ingresses.insert(std::move(key));
        }
        break;
      case kube::kind_index<kube::IngressClass>():
        store(classes_, key, change.object);
        touched.classes.insert(std::move(key));
        break;
      case kube::kind_index<kube::Service>():
        if (store_and_compare(services_, key, change.object)) {
          touched.services.insert(std::move(key));
        }
        break;
      case kube::kind_index<kube::EndpointSlice>():
        apply_slice(key, change.object, touched);
        break;
      case kube::kind_index<kube::Secret>():
        store(secrets_, key, change.object);
        touched.secrets.insert(std::move(key));
        break;
      case kube::kind_index<kube::ConfigMap>():
        store(config_maps_, key, change.object);
        touched.config_maps.insert(std::move(key));
        break;
      default:
        break;  // Namespaces serve nothing
    }
  }
  return touched;
}

void ClusterState::apply_slice(const std::string& key, const kube::ObjectPointer& object,
                               Touched& touched) {
  if (const auto before = find(slices_, key); before != nullptr) {
    auto service = object_name(before->meta.namespace_, before->service);
    const auto entry = slices_of_.find(service);
    entry->second.erase(key);
    if (entry->second.empty()) {
      slices_of_.erase(entry);
    }
    touched.services.insert(std::move(service));
  }
  store(slices_, key, object);
  if (const auto now = as<kube::EndpointSlice>(object); now != nullptr) {
    auto service = object_name(now->meta.namespace_, now->service);
    slices_of_[service].insert(key);
    touched.services.insert(std::move(service));
  }
}

std::shared_ptr<const kube::Ingress> ClusterState::ingress(std::string_view key) const {
  return find(ingresses_, key);
}

std::shared_ptr<const kube::IngressClass> ClusterState::ingress_class(std::string_view key) const {
  return find(classes_, key);
}

std::shared_ptr<const kube::Service> ClusterState::service(std::string_view key) const {
  return find(services_, key);
}

std::shared_ptr<const kube::Secret> ClusterState::secret(std::string_view key) const {
  return find(secrets_, key);
}

std::shared_ptr<const kube::ConfigMap> ClusterState::config_map(std::string_view key) const {
  return find(config_maps_, key);
}

std::vector<const kube::EndpointSlice*> ClusterState::slices_of(std::string_view service) const {
  std::vector<const kube::EndpointSlice*> slices;
  if (const auto found = slices_of_.find(service); found != slices_of_.end()) {
    for (const auto& key : found->second) {
      slices.push_back(slices_.find(key)->second.get());
    }
  }
  return slices;
}

}  // namespace portico::translate
