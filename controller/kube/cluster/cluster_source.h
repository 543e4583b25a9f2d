// Objects from an API server: listed and watched.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "controller/kube/cluster/cluster_figures.h"
#include "controller/kube/cluster/cluster_view.h"
#include "controller/kube/cluster/label_selector.h"
#include "controller/kube/cluster/named_secrets.h"
#include "controller/kube/cluster/outage.h"
#include "controller/kube/cluster/reflector_driver.h"
#include "controller/kube/source.h"
#include "proxy/net/deadline.h"

namespace portico::net {
class Loop;
}

namespace portico::kube {

class ApiClient;

// What of the cluster is read. Names are "namespace/name"; "" none.
struct ClusterScope {
  std::string namespace_;                   // "" all
  std::optional<LabelSelector> namespaces;  // only those it selects
  std::string config_map;
  // Read wherever they are.
  std::string publish_service;
  std::string default_backend_service;  // with its slices
  std::string default_certificate;      // a Secret of any type
  std::string ticket_keys;              // another
};

// Ingresses, IngressClasses, Services, EndpointSlices, Secrets of type kubernetes.io/tls and those
// that are wanted by name, the ConfigMap, and Namespaces where a selector asks for them.
//
// The first batches come once every kind has been listed: one with all there is, so that the
// handler can say which Secrets it wants, then one that is `synced`. A kind that may not be read
// counts as empty, with a finding that names the missing right; not so Ingresses and Namespaces,
// without which there is nothing to serve. Later batches come as events do: the first change at
// once, what is there by then together with it. While the API server is away, nothing is told, and
// one line logged.
//
// Thread:    the loop's.
// Lifetime:  destroying it stops the batches; the handler may do that. The client outlives it.
class ClusterSource {
 public:
  ClusterSource(net::Loop& loop, ApiClient& client, const ClusterScope& scope,
                BatchHandler handler);
  ~ClusterSource();
  ClusterSource(const ClusterSource&) = delete;
  ClusterSource& operator=(const ClusterSource&) = delete;

  // Which Secrets are needed by name from now on; the handler may call it.
  void use_secrets(std::span<const SecretUse> uses);

  [[nodiscard]] ClusterFigures figures() const;

 private:
  enum class Stage : std::uint8_t {
    kListing,  // some kind is not there yet
    kNaming,   // the Secrets wanted by name are read
    kSynced,
  };

  void open_main(const ClusterScope& scope);
  void open_elsewhere(const ClusterScope& scope);
  ReflectorDriver& open(ResourceQuery query, ClusterView::Reach reach);
  std::unique_ptr<ReflectorDriver> make_driver(ResourceQuery query, ClusterView::Reach reach);
  void on_step(Reflector& reflector);
  void note_tls_secrets(const std::vector<Change>& changes);
  void watch_health(const Reflector& reflector);
  void nudge_others(const Reflector& recovered);
  void match_named();
  void take_turns();
  void flush_soon();
  void flush();
  void tell(bool synced);
  [[nodiscard]] bool all_listed() const;
  [[nodiscard]] bool all_named() const;
  [[nodiscard]] bool holds_tls_secret(const std::string& key) const;
  [[nodiscard]] routing::Diagnostics findings() const;

  net::Loop& loop_;
  ApiClient& client_;
  BatchHandler handler_;
  std::minstd_rand random_;
  ClusterView view_;
  Outage outage_;
  std::vector<std::unique_ptr<ReflectorDriver>> drivers_;
  ReflectorDriver* tls_secrets_ = nullptr;  // among drivers_
  NamedSecrets secrets_;
  std::map<std::string, std::unique_ptr<ReflectorDriver>> named_;  // by key, as secrets_.read()
  bool too_many_named_ = false;
  ClusterFigures gone_;  // of reflectors that were closed
  net::Deadline turn_;
  Stage stage_ = Stage::kListing;
  bool flush_posted_ = false;
  bool findings_changed_ = false;
  std::shared_ptr<const char> alive_;  // expires with this
};

}  // namespace portico::kube
