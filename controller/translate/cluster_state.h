// The objects there are, and what a change to them touches.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include <absl/container/btree_set.h>
#include <absl/container/flat_hash_map.h>

#include "controller/kube/objects.h"
#include "routing/shared_map.h"

namespace portico::translate {

// In order of weight.
enum class Impact : std::uint8_t {
  kIrrelevant,  // serves nothing differently
  kEndpoints,   // backends got other endpoints; no rule, policy or certificate changed
  kStructure,
};

// Keys are "namespace/name"; of IngressClasses "name".
struct Touched {
  absl::btree_set<std::string> ingresses;
  absl::btree_set<std::string> classes;
  absl::btree_set<std::string> services;  // the Service itself or a slice of it
  absl::btree_set<std::string> secrets;
  absl::btree_set<std::string> config_maps;
};

// Thread: belongs to the controller's thread.
class ClusterState {
 public:
  template <class Kind>
  using Table = absl::flat_hash_map<std::string, std::shared_ptr<const Kind>, routing::StringHash,
                                    std::equal_to<>>;

  // Costs what the changes are, whatever the size of the cluster.
  Touched apply(std::span<const kube::Change> changes);

  // Null where absent.
  [[nodiscard]] std::shared_ptr<const kube::Ingress> ingress(std::string_view key) const;
  [[nodiscard]] std::shared_ptr<const kube::IngressClass> ingress_class(std::string_view key) const;
  [[nodiscard]] std::shared_ptr<const kube::Service> service(std::string_view key) const;
  [[nodiscard]] std::shared_ptr<const kube::Secret> secret(std::string_view key) const;
  [[nodiscard]] std::shared_ptr<const kube::ConfigMap> config_map(std::string_view key) const;
  [[nodiscard]] std::vector<const kube::EndpointSlice*> slices_of(std::string_view service) const;

  [[nodiscard]] const Table<kube::Ingress>& ingresses() const { return ingresses_; }
  [[nodiscard]] const Table<kube::Service>& services() const { return services_; }
  [[nodiscard]] const Table<kube::EndpointSlice>& slices() const { return slices_; }
  [[nodiscard]] const Table<kube::Secret>& secrets() const { return secrets_; }

 private:
  void apply_slice(const std::string& key, const kube::ObjectPointer& object, Touched& touched);

  Table<kube::Ingress> ingresses_;
  Table<kube::IngressClass> classes_;
  Table<kube::Service> services_;
  Table<kube::EndpointSlice> slices_;
  Table<kube::Secret> secrets_;
  Table<kube::ConfigMap> config_maps_;
  absl::flat_hash_map<std::string, absl::btree_set<std::string>, routing::StringHash,
                      std::equal_to<>>
      slices_of_;
};

}  // namespace portico::translate
