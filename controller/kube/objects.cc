#include "controller/kube/objects.h"

#include <array>
#include <tuple>

namespace portico::kube {

bool Metadata::operator==(const Metadata& other) const {
  const auto tied = [](const Metadata& meta) {
    return std::tie(meta.namespace_, meta.name, meta.uid, meta.created_unix_seconds,
                    meta.annotations, meta.labels);
  };
  return tied(*this) == tied(other);
}

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
      Ingress::kKind, IngressClass::kKind, Service::kKind,  EndpointSlice::kKind,
      Secret::kKind,  ConfigMap::kKind,    Namespace::kKind};
  return kNames.at(kind);
}

routing::ObjectRef ref_of(const ObjectKey& key) {
  return {std::string(kind_name(key.kind)), key.namespace_, key.name};
}

bool serves_alike(const Ingress& a, const Ingress& b) {
  const auto tied = [](const Ingress& ingress) {
    return std::tie(ingress.meta, ingress.class_name, ingress.default_backend, ingress.rules,
                    ingress.tls);
  };
  return tied(a) == tied(b);
}

bool serves_alike(const Service& a, const Service& b) {
  const auto tied = [](const Service& service) {
    return std::tie(service.meta, service.type, service.cluster_ip, service.external_name,
                    service.ports, service.external_ips, service.session_affinity);
  };
  return tied(a) == tied(b);
}

}  // namespace portico::kube
