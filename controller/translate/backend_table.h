// The Service ports that are in use, and the specs built of them.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <vector>

#include <absl/container/btree_set.h>
#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include "controller/translate/backend_build.h"
#include "controller/translate/cluster_state.h"
#include "controller/translate/diagnostic_table.h"
#include "controller/translate/ingress_record.h"
#include "routing/snapshot.h"

namespace portico::translate {

// Remembers what was touched until build().
//
// Lifetime: users are borrowed between use() and release().
class BackendTable {
 public:
  explicit BackendTable(Location here) : here_(std::move(here)) {}

  // A null user is --default-backend-service.
  void use(const BackendName& name, const IngressRecord* user);
  void release(const std::string& key, const IngressRecord* user);
  void touch_service(const std::string& service);
  void touch_secret(const std::string& secret);

  // What ExternalName Services in use point to, sorted; addresses are not among them.
  [[nodiscard]] std::vector<std::string> external_names() const;
  // `failure`: why the name can't be resolved, or not any more.
  void set_external_addresses(const std::string& name, std::vector<std::string> addresses,
                              std::string failure);

  // Builds what was touched. True where any spec is different now.
  bool build(const ClusterState& state, routing::SharedMap<routing::BackendSpec>& specs,
             DiagnosticTable& diagnostics);

 private:
  using TlsResult = std::expected<std::shared_ptr<const routing::UpstreamTlsSpec>, std::string>;
  // What TLS amounts to, as long as what it was made of is the same: it costs a look at
  // certificates.
  struct Tls {
    routing::BackendProtocol protocol{};
    std::shared_ptr<const kube::Secret> secret;
    std::string default_name;
    TlsResult result;
  };
  struct Backend {
    BackendName name;
    absl::flat_hash_set<const IngressRecord*> users;
    std::unique_ptr<const Tls> tls;  // null: not asked for yet
  };
  struct External {
    std::vector<std::string> addresses;
    std::string failure;
    absl::btree_set<std::string> services;
  };

  bool build_one(const std::string& key, const ClusterState& state,
                 routing::SharedMap<routing::BackendSpec>& specs, DiagnosticTable& diagnostics);
  routing::BackendSpec build_spec(Backend& backend, const ClusterState& state,
                                  DiagnosticTable& diagnostics);
  [[nodiscard]] std::vector<const BackendName*> backends_of(const IngressRecord& user) const;
  void erase(const std::string& key, DiagnosticTable& diagnostics);
  void report_annotations(const std::string& service_key, const ClusterState& state,
                          DiagnosticTable& diagnostics) const;
  static void set_speech(Backend& backend, const kube::Service& service, const ClusterState& state,
                         routing::BackendSpec& spec);
  void report_external(const std::string& service_key, const kube::Service* service,
                       DiagnosticTable& diagnostics) const;
  // `name` empty: the Service points nowhere.
  void point_external(const std::string& service, const std::string& name);
  std::vector<std::string> addresses_of(const std::string& service_key,
                                        const kube::Service* service);

  const Location here_;
  absl::flat_hash_map<std::string, Backend> backends_;
  absl::flat_hash_map<std::string, absl::btree_set<std::string>> of_service_;
  absl::flat_hash_map<std::string, absl::btree_set<std::string>> of_secret_;
  absl::flat_hash_map<std::string, External> externals_;
  absl::flat_hash_map<std::string, std::string> external_of_service_;
  absl::btree_set<std::string> touched_;
  // Services whose backends were built: each has its annotations looked at once, however many.
  absl::btree_set<std::string> built_services_;
  // Users with idle annotations whose backends were built: likewise.
  absl::flat_hash_set<const IngressRecord*> idle_users_;
  // The backends of canaries with idle annotations: their records name them without the wish.
  absl::flat_hash_map<const IngressRecord*, absl::btree_set<std::string>> of_idle_canary_;
};

}  // namespace portico::translate
