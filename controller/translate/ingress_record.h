// One Ingress, translated on its own: what it asks for, before other objects are looked at.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/kube/objects.h"
#include "controller/translate/backend_wish.h"
#include "controller/translate/class_selection.h"
#include "controller/translate/host_tls_reading.h"
#include "controller/translate/options.h"
#include "routing/canary.h"
#include "routing/diagnostic.h"
#include "routing/snapshot.h"

namespace portico::translate {

using RoutePointer = std::shared_ptr<const routing::RouteSpec>;

// "namespace/name"
std::string object_name(std::string_view namespace_, std::string_view name);

// A Service port as a rule names it.
struct BackendName {
  std::string namespace_;
  std::string service;
  std::string port;                         // name or number; "" the Service's first TCP port
  std::string unusable;                     // not empty: names no Service port at all, and why
  std::shared_ptr<const BackendWish> wish;  // null: nothing is wished for
  [[nodiscard]] std::string key() const;
};

struct BackendUse {
  BackendName backend;
  std::string field;  // where the Ingress names it; empty for --default-backend-service
};

struct TlsEntry {
  std::vector<std::string> hosts;  // valid ones, lower-case
  std::string secret;              // "namespace/name"; "" none
  std::string field;               // spec.tls[0]
};

// An annotation that refines what the Ingress does not ask for: found only where no Service of its
// backends does.
struct IdleAnnotation {
  const AnnotationRow* row = nullptr;
  routing::Diagnostic finding;
};

// What makes an Ingress a canary. Its hosts and default route serve nothing: they say which rules
// of other Ingresses it takes a part of, and its backends are named without a wish.
struct CanaryPart {
  routing::CanaryRule rule;
  BackendWish wish;              // as its own annotations say
  HostTlsReading tls;            // likewise
  std::string unusable_because;  // not empty: it guards access in a way that can't be honoured
};

struct IngressRecord {
  routing::ObjectRef ref;
  std::int64_t created_unix_seconds = 0;
  kube::Origin origin;
  bool ours = false;  // by its class; where false, nothing below but diagnostics
  std::vector<std::pair<std::string, std::vector<RoutePointer>>>
      hosts;                        // by Hostname::text(), sorted
  HostTlsReading tls_reading;       // its Secret as "namespace/name"
  std::string host_denied_because;  // not empty: these hosts answer 503 for every Ingress's paths
  RoutePointer default_route;       // may be null
  std::vector<BackendUse> backends;
  std::string backend_secret;  // "namespace/name" by proxy-ssl-secret; "" none
  std::vector<TlsEntry> tls;
  std::shared_ptr<const CanaryPart> canary;  // null: it is none
  routing::Diagnostics diagnostics;
  std::vector<IdleAnnotation> idle;

  // Null where it has no rule for the host.
  [[nodiscard]] const std::vector<RoutePointer>* routes_of(std::string_view host) const;
  // Among several Ingresses the older counts, then the first by namespace and name.
  [[nodiscard]] bool precedes(const IngressRecord& other) const;
};

// What an Ingress is read by.
struct ReadingRules {
  const ClassSelection& classes;
  const routing::Policy& defaults;              // of routes, before annotations
  const std::string& default_secret;            // of tls entries that name none; "" none
  const std::vector<std::string>& plain_paths;  // see Settings
  bool checking = false;
};

// Never null. An Ingress that is not ours gives a record with nothing but diagnostics; while
// checking, one of a class that nobody knows is looked into all the same: its record has no routes,
// but the backends and Secrets it would use.
std::shared_ptr<const IngressRecord> read_ingress(const kube::Ingress& ingress,
                                                  const ReadingRules& rules);

// What becomes of the record's rules where their backend can't serve: the end of a sentence.
std::string_view without_backend(const IngressRecord& record);

// A diagnostic about the record's Ingress.
routing::Diagnostic about(const IngressRecord& record, routing::Severity severity,
                          std::string field, std::string message, std::string fix);

// Equal in everything that serving depends on.
bool same_route(const routing::RouteSpec& a, const routing::RouteSpec& b);

}  // namespace portico::translate
