// Objects to Snapshot and diagnostics, a change at a time.
//
//   objects ──> records (one an Ingress) ──┬──> hosts         rules of all Ingresses, by host
//                                          ├──> backends      Service ports joined with slices
//                                          ├──> certificates  tls entries joined with Secrets, by
//                                          server name └──> default route
//
// Each of these remembers who uses it; a change rebuilds what it touches and keeps every other
// pointer, so that its cost follows the change. What comes out depends only on the objects, not on
// the order in which they came; but for a certificate that went bad, whose last good version is
// kept.
#pragma once

#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <absl/container/btree_set.h>
#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include "controller/kube/objects.h"
#include "controller/kube/source.h"
#include "controller/translate/backend_table.h"
#include "controller/translate/canary_uses.h"
#include "controller/translate/certificate_claims.h"
#include "controller/translate/class_selection.h"
#include "controller/translate/client_authorities.h"
#include "controller/translate/cluster_state.h"
#include "controller/translate/diagnostic_table.h"
#include "controller/translate/ingress_record.h"
#include "controller/translate/options.h"
#include "controller/translate/secret_certificates.h"
#include "routing/diagnostic.h"
#include "routing/policy.h"
#include "routing/snapshot.h"

namespace portico::translate {

struct Outcome {
  Impact impact = Impact::kIrrelevant;
  routing::Diagnostics raised;  // findings that this change brought
};

// Thread: belongs to the controller's thread. Copies of snapshot() may go anywhere.
class Translator {
 public:
  explicit Translator(const Options& options);
  Translator(const Translator&) = delete;
  Translator& operator=(const Translator&) = delete;

  Outcome apply(std::span<const kube::Change> changes);

  // What ExternalName Services in use point to, lower-case, sorted; addresses are not among them.
  [[nodiscard]] std::vector<std::string> external_names() const {
    return backends_.external_names();
  }
  // What such a name resolves to; `failure`: why it can't be, or can't be any more. Both are kept
  // while the name is wanted.
  Outcome set_external_addresses(const std::string& name, std::vector<std::string> addresses,
                                 std::string failure = {});

  // Its generation grows with each change that serves anything differently.
  [[nodiscard]] const routing::Snapshot& snapshot() const { return snapshot_; }
  [[nodiscard]] routing::Diagnostics diagnostics() const { return diagnostics_.all(); }

  // Which Secrets came to be named by Ingresses of ours, and which are not any more, since the last
  // call: in order, the last word counts.
  std::vector<kube::SecretUse> take_secret_uses() { return std::exchange(secret_uses_, {}); }

  // For lint: the objects, and one record an Ingress.
  [[nodiscard]] const ClusterState& state() const { return state_; }
  [[nodiscard]] SecretCertificates& secrets() { return secrets_; }
  [[nodiscard]] std::vector<const IngressRecord*> records() const;
  // Whether this Ingress ("namespace/name") is there and ours, by its class.
  [[nodiscard]] bool is_ours(std::string_view ingress) const;

 private:
  using RecordSet = absl::flat_hash_set<const IngressRecord*>;
  using RecordIndex =
      absl::flat_hash_map<std::string, RecordSet, routing::StringHash, std::equal_to<>>;
  struct Precedes {
    bool operator()(const IngressRecord* a, const IngressRecord* b) const {
      return a->precedes(*b);
    }
  };
  // What has to be built again.
  struct Work {
    absl::btree_set<std::string> hosts;
    NameSet server_names;
    RecordSet tls_findings;
    RecordSet authority_findings;
    absl::btree_set<std::string> secrets;  // whose findings may change
    bool default_route = false;
    bool structure = false;
  };

  void read_default_backend_service();
  void touch_rules(const Touched& touched, bool first, Work& work);
  bool read_config_map(Work& work);
  void read_default_certificate(Work& work);
  void read_shared_ticket_keys(Work& work);
  void publish_settings(Work& work);
  void touch_secrets(const Touched& touched, Work& work);
  void replace_record(const std::string& key, Work& work);
  void add_record(const IngressRecord& record, Work& work);
  void remove_record(const IngressRecord& record, Work& work);
  void add_host_user(const std::string& host, const IngressRecord& record);
  void remove_host_user(const std::string& host, const IngressRecord& record);
  void add_secret_user(const std::string& secret, const IngressRecord& record);
  void remove_secret_user(const std::string& secret, const IngressRecord& record);
  void note_secret_use(const std::string& secret, bool used);
  void build_certificates(Work& work);
  void build_tls_findings(const Work& work);
  void build_hosts(Work& work);
  void build_host(const std::string& host, Work& work);
  void build_default_route(Work& work);
  RoutePointer choose_default_route(routing::Diagnostics& diagnostics);
  [[nodiscard]] bool has_certificate(const std::string& host) const;
  Outcome build(Work& work);

  const Options options_;
  ClassSelection classes_;
  routing::Policy route_defaults_;  // by the ConfigMap
  bool was_applied_ = false;
  ClusterState state_;
  SecretCertificates secrets_;
  CertificateClaims claims_;
  ClientAuthorities authorities_{state_};
  BackendTable backends_;
  CanaryUses canary_uses_{backends_};
  absl::flat_hash_map<std::string, std::shared_ptr<const IngressRecord>, routing::StringHash,
                      std::equal_to<>>
      records_;
  RecordIndex by_host_;
  RecordIndex by_secret_;
  std::vector<kube::SecretUse> secret_uses_;
  absl::flat_hash_map<std::string, int, routing::StringHash, std::equal_to<>> secret_use_counts_;
  // "*.example.com" -> hosts with rules that its certificate serves too
  absl::flat_hash_map<std::string, absl::btree_set<std::string>> below_wildcard_;
  std::set<const IngressRecord*, Precedes> defaults_;  // with a default route, the oldest first
  std::set<const IngressRecord*, Precedes> canary_defaults_;  // likewise, of canaries
  RoutePointer default_service_route_;  // --default-backend-service; may be null
  DiagnosticTable diagnostics_;
  routing::Settings settings_;  // as the ConfigMap has them, without what Secrets add
  std::vector<std::string> shared_ticket_keys_;
  routing::Snapshot snapshot_;
};

}  // namespace portico::translate
