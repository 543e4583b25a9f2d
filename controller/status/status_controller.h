// What is written back to the cluster: the status of Ingresses and Events, by one replica of all.
//
//   Translator ──changes──> IngressWriter ──PATCH──> API server
//        └────findings────> EventWriter ───POST────>     ^
//   AddressFinder ─what─────┘                            │
//   Elector ──who──────────────Lease─────────────────────┘
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "controller/kube/api/client.h"
#include "controller/kube/objects.h"
#include "controller/status/address_finder.h"
#include "controller/status/call_log.h"
#include "controller/status/elector.h"
#include "controller/status/event_writer.h"
#include "controller/status/ingress_writer.h"
#include "controller/status/options.h"
#include "controller/translate/translator.h"
#include "proxy/net/deadline.h"
#include "routing/diagnostic.h"

namespace portico::net {
class Loop;
}

namespace portico::status {

// Thread:    the loop's.
// Lifetime:  client and translator outlive it. Destroying it ends its calls; a Lease that it holds
//            then runs out by itself.
class StatusController {
 public:
  // After SIGTERM: as long as emptying statuses and releasing the Lease may take.
  static constexpr std::chrono::seconds kStopLimit{15};

  // `options` with its environment read. `reporter` names the program in Events:
  // "portico.dev/ingress-controller".
  StatusController(net::Loop& loop, kube::ApiClient& client,
                   const translate::Translator& translator, Options options, std::string reporter);
  ~StatusController();
  StatusController(const StatusController&) = delete;
  StatusController& operator=(const StatusController&) = delete;

  // Once, when all there is has been read: only then is known what is not ours.
  void start();
  // What the translator has just taken up, and what it found. Costs what the changes are; may be
  // called before start().
  void on_change(std::span<const kube::Change> changes, const routing::Diagnostics& raised);

  // Takes its addresses back where the flags say so and nobody else serves, and releases the Lease.
  // `done` is called once, from the loop, within kStopLimit. Nothing is written after that.
  void stop(std::move_only_function<void()> done);

  [[nodiscard]] bool leads() const { return elector_.leads(); }

 private:
  void on_leading(bool leads);
  void look_for_addresses();
  void poll();
  void tell_findings(const routing::Diagnostics& findings, EventLedger::Occasion occasion);
  void tell_what_stands();
  void take_back_addresses();
  void release();
  void end();

  net::Loop& loop_;
  const translate::Translator& translator_;
  const Options options_;
  CallLog log_;
  AddressFinder finder_;
  IngressWriter ingresses_;
  EventWriter events_;
  net::Deadline poll_;
  net::Deadline retell_;
  net::Deadline limit_;  // of stopping
  std::move_only_function<void()> stopped_;
  bool stopping_ = false;
  bool writes_ended_ = false;          // statuses are left as they are from now on
  std::shared_ptr<const char> alive_;  // expires with this
  Elector elector_;                    // last: it calls the others
};

}  // namespace portico::status
