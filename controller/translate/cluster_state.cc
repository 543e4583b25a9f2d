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

template <class Table>
typename Table::mapped_type find(const Table& table, std::string_view key) {
  const auto found = table.find(key);
  return found == table.end() ? nullptr : found->second;
}

template <class Kind, std::size_t Index = 0>
consteval std::size_t kind_index() {
  if constexpr (std::is_same_v<std::variant_alternative_t<Index, kube::Object>, Kind>) {
    return Index;
  } else {
    return kind_index<Kind, Index + 1>();
  }
}

}  // namespace

Touched ClusterState::apply(std::span<const kube::Change> changes) {
  Touched touched;
  for (const auto& change : changes) {
    auto key = key_text(change.key);
    switch (change.key.kind) {
      case kind_index<kube::Ingress>():
        store(ingresses_, key, change.object);
        touched.ingresses.insert(std::move(key));
        break;
      case kind_index<kube::IngressClass>():
        store(classes_, key, change.object);
        touched.classes.insert(std::move(key));
        break;
      case kind_index<kube::Service>():
        store(services_, key, change.object);
        touched.services.insert(std::move(key));
        break;
      case kind_index<kube::EndpointSlice>():
        apply_slice(key, change.object, touched);
        break;
      case kind_index<kube::Secret>():
        store(secrets_, key, change.object);
        touched.secrets.insert(std::move(key));
        break;
      default:
        break;  // ConfigMaps serve nothing
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
