// Carries out an Election on a loop, by an API client.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "controller/kube/api/client.h"
#include "controller/status/call_log.h"
#include "controller/status/election.h"
#include "controller/status/options.h"
#include "proxy/net/deadline.h"

namespace portico::net {
class Loop;
}

namespace portico::status {

// Thread:    the loop's.
// Lifetime:  destroying it ends its calls; the Lease, if it is held, then runs out by itself.
class Elector {
 public:
  using OnChange = std::move_only_function<void(bool leads)>;

  // `on_change` is called from the loop, whenever leads() has changed.
  Elector(net::Loop& loop, kube::ApiClient& client, CallLog& log, const Options& options,
          OnChange on_change);

  void start();
  // Looked up at each write: it turns false in time, whatever else is late.
  [[nodiscard]] bool leads() const;
  // Releases the Lease, if it is held, and calls `done` once, perhaps from inside this call. Takes
  // two calls' time at the most.
  void stop(std::move_only_function<void()> done);

 private:
  void advance();
  void look();
  void write(Election::Write write);
  void after_look(Election::Time began, ApiResult result);
  void after_write(Election::Time began, std::string_view verb, ApiResult result);
  void not_done(std::string_view verb, const ApiResult& result);
  void tell_change();
  [[nodiscard]] kube::ApiRequest request(std::string method, bool named, std::string body) const;

  net::Loop& loop_;
  kube::ApiClient& client_;
  CallLog& log_;
  const Options& options_;
  const ElectionTimes times_;
  OnChange on_change_;
  Election election_;
  net::Deadline next_;  // the next step
  net::Deadline lost_;  // leading ends, unless it is renewed
  std::unique_ptr<kube::ApiCall> call_;
  std::move_only_function<void()> stopped_;
  bool started_ = false;
  bool told_ = false;  // what on_change was last told
};

}  // namespace portico::status
