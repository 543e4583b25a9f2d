#include "controller/kube/objects.h"

#include <array>

namespace portico::kube {

bool IngressClass::is_default() const {
  const auto found = meta.annotations.find("ingressclass.kubernetes.io/is-default-class");
  return found != meta.annotations.end() && found->second == "true";
}

const Metadata& metadata(const Object& object) {
  return std::visit([](const auto& value) -> const Metadata& { return value.meta; }, object);
}

ObjectKey key_of(const Object& object) {
  const Metadata& meta = metadata(object);
  return {object.index(), meta.namespace_, meta.name};
}

std::string_view kind_name(std::size_t kind) {
  static constexpr std::array<std::string_view, std::variant_size_v<Object>> kNames = {
      Ingress::kKind,       IngressClass::kKind, Service::kKind,
      EndpointSlice::kKind, Secret::kKind,       ConfigMap::kKind};
  return kNames.at(kind);
}

routing::ObjectRef ref_of(const ObjectKey& key) {
  return {std::string(kind_name(key.kind)), key.namespace_, key.name};
}

}  // namespace portico::kube
