// Kubernetes objects as this program reads them: the fields it uses, typed, and nothing else.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "routing/object_ref.h"
#include "routing/snapshot.h"

namespace portico::kube {

// Where an object was read: for diagnostics of files. Line 0: from the API.
struct Origin {
  std::shared_ptr<const std::string> file;
  int line = 0;      // of the document's first line
  int document = 0;  // index in the file

  // Where a thing stands is no part of what it is: an object that only moved is still the same.
  bool operator==(const Origin& /*other*/) const { return true; }
};

struct Metadata {
  std::string namespace_;  // "" for cluster-scoped kinds; "default" where a namespaced file object
                           // names none
  std::string name;
  std::string uid;
  std::string resource_version;
  std::int64_t created_unix_seconds = 0;
  std::map<std::string, std::string, std::less<>> annotations;
  std::map<std::string, std::string, std::less<>> labels;
  Origin origin;
  // The version counts writes, not what was written: it is no part of what the object is.
  bool operator==(const Metadata& other) const;
};

// A port by number or by name; the default is "not given".
struct PortRef {
  std::string name;
  std::int32_t number = 0;
  [[nodiscard]] bool given() const { return number != 0 || !name.empty(); }
  [[nodiscard]] std::string to_string() const {
    return name.empty() ? std::to_string(number) : name;
  }
  bool operator==(const PortRef&) const = default;
};

struct IngressBackend {
  std::string service;
  PortRef port;
  bool is_resource = false;  // a `resource` backend: not served, diagnosed
  bool operator==(const IngressBackend&) const = default;
};

struct IngressPath {
  std::string path;
  std::string path_type;  // as written
  IngressBackend backend;
  bool operator==(const IngressPath&) const = default;
};

struct IngressRule {
  std::string host;
  std::vector<IngressPath> paths;
  bool operator==(const IngressRule&) const = default;
};

struct IngressTls {
  std::vector<std::string> hosts;
  std::string secret;
  bool operator==(const IngressTls&) const = default;
};

// One of status.loadBalancer.ingress: where clients reach it.
struct LoadBalancerAddress {
  std::string ip;
  std::string hostname;
  bool operator==(const LoadBalancerAddress&) const = default;
};

struct Ingress {
  static constexpr const char* kKind = "Ingress";
  Metadata meta;
  std::optional<std::string> class_name;
  std::optional<IngressBackend> default_backend;
  std::vector<IngressRule> rules;
  std::vector<IngressTls> tls;
  std::vector<LoadBalancerAddress> load_balancer;  // of its status
  bool operator==(const Ingress&) const = default;
};

struct IngressClass {
  static constexpr const char* kKind = "IngressClass";
  Metadata meta;
  std::string controller;
  [[nodiscard]] bool is_default() const;  // annotation ingressclass.kubernetes.io/is-default-class
  bool operator==(const IngressClass&) const = default;
};

struct ServicePort {
  std::string name;
  std::string protocol;  // "TCP" where not given
  std::int32_t port = 0;
  PortRef target_port;
  std::string app_protocol;
  bool operator==(const ServicePort&) const = default;
};

struct Service {
  static constexpr const char* kKind = "Service";
  Metadata meta;
  std::string type;  // "ClusterIP" where not given
  std::string cluster_ip;
  std::string external_name;
  std::vector<ServicePort> ports;
  std::vector<std::string> external_ips;
  std::string session_affinity;                    // "ClientIP", else "None" or ""
  std::vector<LoadBalancerAddress> load_balancer;  // of its status
  bool operator==(const Service&) const = default;
};

struct EndpointConditions {
  std::optional<bool> ready, serving, terminating;
  bool operator==(const EndpointConditions&) const = default;
};

struct SliceEndpoint {
  std::vector<std::string> addresses;
  EndpointConditions conditions;
  std::string pod;                     // targetRef's namespace/name where it is a Pod
  std::vector<std::string> for_zones;  // hints: the zones and nodes whose requests it is meant for
  std::vector<std::string> for_nodes;
  bool operator==(const SliceEndpoint&) const = default;
};

struct SlicePort {
  std::string name;
  std::string protocol;
  std::optional<std::int32_t> port;
  std::string app_protocol;
  bool operator==(const SlicePort&) const = default;
};

struct EndpointSlice {
  static constexpr const char* kKind = "EndpointSlice";
  Metadata meta;
  std::string service;       // label kubernetes.io/service-name
  std::string address_type;  // IPv4, IPv6, FQDN
  std::vector<SliceEndpoint> endpoints;
  std::vector<SlicePort> ports;
  bool operator==(const EndpointSlice&) const = default;
};

struct Secret {
  static constexpr const char* kKind = "Secret";
  Metadata meta;
  std::string type;
  std::map<std::string, std::string, std::less<>> data;  // decoded; stringData laid over it
  // What was data's tls.crt and tls.key, where both hold PEM: without its armour, once for all who
  // keep it, because there may be tens of thousands.
  std::shared_ptr<const routing::CertificateSpec> pair;
  bool operator==(const Secret& other) const;
};

// Moves tls.crt and tls.key from `data` to `pair`, where both hold PEM.
void compact_pair(Secret& secret);

struct ConfigMap {
  static constexpr const char* kKind = "ConfigMap";
  Metadata meta;
  std::map<std::string, std::string, std::less<>> data;
  bool operator==(const ConfigMap&) const = default;
};

struct Namespace {
  static constexpr const char* kKind = "Namespace";
  Metadata meta;  // its labels are what is asked for
  bool operator==(const Namespace&) const = default;
};

using Object =
    std::variant<Ingress, IngressClass, Service, EndpointSlice, Secret, ConfigMap, Namespace>;
using ObjectPointer = std::shared_ptr<const Object>;

// The index in Object of a kind.
template <class Kind, std::size_t Index = 0>
consteval std::size_t kind_index() {
  if constexpr (std::is_same_v<std::variant_alternative_t<Index, Object>, Kind>) {
    return Index;
  } else {
    return kind_index<Kind, Index + 1>();
  }
}

// What makes an object the same one: kind, namespace, name.
struct ObjectKey {
  std::size_t kind = 0;  // index into Object
  std::string namespace_;
  std::string name;
  auto operator<=>(const ObjectKey&) const = default;
};
ObjectKey key_of(const Object& object);
const Metadata& metadata(const Object& object);
std::string_view kind_name(std::size_t kind);  // "Ingress"
routing::ObjectRef ref_of(const ObjectKey& key);

// Whether two versions of an object serve the same: they may differ in their status.
bool serves_alike(const Ingress& a, const Ingress& b);
bool serves_alike(const Service& a, const Service& b);

// One step of a source: an object as it now is, or gone.
struct Change {
  ObjectKey key;
  ObjectPointer object;  // null: deleted
};

}  // namespace portico::kube
