// Findings about objects, as Events of events.k8s.io/v1, while this replica leads.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "controller/kube/api/client.h"
#include "controller/status/call_log.h"
#include "controller/status/event_ledger.h"
#include "controller/status/token_bucket.h"
#include "proxy/net/deadline.h"
#include "routing/diagnostic.h"

namespace portico::net {
class Loop;
}

namespace portico::status {

// One finding to tell, with what the API needs to know of its object.
struct EventText {
  routing::Diagnostic finding;
  EventSubject subject;
};

// Where its Event lives: beside the object; in `default` where that has no namespace.
std::string event_namespace(const routing::Diagnostic& finding);

// The body of a POST. `note` is cut at 1,024 bytes, between two characters.
std::string event_body(const EventText& event, const std::string& name, const std::string& reporter,
                       const std::string& instance, const std::string& micro_time);

// Thread:    the loop's.
// Lifetime:  destroying it ends its calls.
// Bounds:    1,000 Events wait, 4 are on their way, 20 a second; what comes beyond is not told now,
//            and new to it the next time.
class EventWriter {
 public:
  EventWriter(net::Loop& loop, kube::ApiClient& client, CallLog& log, std::string reporter,
              std::string instance);

  void tell(EventText event, EventLedger::Occasion occasion = EventLedger::Occasion::kFound);
  // At once: nothing is written any more.
  void pause();

 private:
  struct Pending {
    EventText event;
    std::string name;
    int count = 1;  // above 1: the series of an Event that is there
    int tries = 0;
  };

  void push(Pending pending);
  void pump();
  void write(Pending pending);
  void after_write(Pending pending, const ApiResult& result);
  [[nodiscard]] kube::ApiRequest request(const Pending& pending) const;

  net::Loop& loop_;
  kube::ApiClient& client_;
  CallLog& log_;
  const std::string reporter_;
  const std::string instance_;
  EventLedger ledger_;
  TokenBucket rate_;
  std::deque<Pending> pending_;
  std::map<std::string, std::unique_ptr<kube::ApiCall>> calls_;  // by name
  net::Deadline next_;
  bool said_overflow_ = false;
};

}  // namespace portico::status
