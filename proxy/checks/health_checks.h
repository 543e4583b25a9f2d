// The thread that checks endpoints, from the first backend on that wants it.
#pragma once

#include <memory>

#include "proxy/checks/check_book.h"
#include "proxy/exchange/config.h"
#include "proxy/exchange/options.h"
#include "routing/shared_vector.h"

namespace portico::checks {

// Neither a worker's thread, since handshakes take milliseconds, nor the controller's, which has
// changes to bring about. It begins with the first backend that asks for checks and sleeps when
// none does any more; where none ever did, there is none.
//
// Thread:    the controller's; book() any.
// Lifetime:  destroying it stops and joins the thread. The EndpointHealths of every Config that it
//            followed outlive it.
class HealthChecks {
 public:
  explicit HealthChecks(const exchange::Options& options);
  ~HealthChecks();
  HealthChecks(const HealthChecks&) = delete;
  HealthChecks& operator=(const HealthChecks&) = delete;

  // Checks what this one asks for, and no longer what the one before did. Costs what changed.
  void follow(const exchange::Config& config);

  [[nodiscard]] const CheckBook& book() const { return book_; }

 private:
  class Running;

  const exchange::Options& options_;
  CheckBook book_;
  routing::SharedVector<exchange::Backend> seen_;
  std::unique_ptr<Running> running_;
};

}  // namespace portico::checks
