// All checks of this process: which endpoints are asked, when, and what follows from the answers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "proxy/checks/check.h"
#include "proxy/checks/check_book.h"
#include "proxy/checks/schedule.h"
#include "proxy/checks/streak.h"
#include "proxy/checks/target.h"
#include "proxy/exchange/endpoint_health.h"
#include "proxy/exchange/options.h"
#include "proxy/exchange/reaper.h"
#include "proxy/net/deadline.h"
#include "proxy/net/loop.h"
#include "proxy/upstream/failure_reasons.h"
#include "proxy/upstream/pool.h"

namespace portico::checks {

// An endpoint of a backend, and who is told.
struct CheckedEndpoint {
  Target target;
  exchange::EndpointHealth* health = nullptr;
};

// What is to be checked for a backend from now on, instead of what was.
struct BackendChecks {
  routing::BackendId backend{};
  bool is_checked = false;
  ServicePort name;
  std::vector<CheckedEndpoint> endpoints;
};

// A target lives as long as a backend names it; its schedule and its opinion go on through changes.
// What is asked in another way than before begins with the opinion that was had. An endpoint is ill
// while any of its targets is.
//
// Thread:    its loop's. At most kAtOnce connections are open, for one namespace half of them; who
//            finds none free waits its turn (schedule.h).
// Lifetime:  its loop's; the EndpointHealths outlive it.
class Checker {
 public:
  static constexpr std::size_t kAtOnce = 128;

  Checker(net::Loop& loop, const exchange::Options& options, CheckBook& book);
  ~Checker();

  void apply(const std::vector<BackendChecks>& changes);

  [[nodiscard]] std::size_t targets() const { return ids_.size(); }
  [[nodiscard]] std::size_t running() const { return schedule_.running(); }

 private:
  struct User {
    routing::BackendId backend;
    exchange::EndpointHealth* health;
    bool operator==(const User&) const = default;
  };
  struct Checked {
    Target target;
    Streak streak;
    std::string reason;  // of the last failure
    std::vector<User> users;
    std::unique_ptr<Check> running;
  };
  struct Attachment {
    CheckId id;
    exchange::EndpointHealth* health;
  };
  using Attachments = std::vector<Attachment>;
  struct Backend {
    ServicePort name;
    Attachments attachments;
  };
  // Of an endpoint: by how many targets' users it is told, and how many of those say that it is
  // ill.
  struct Opinion {
    std::uint32_t users = 0;
    std::uint32_t ill = 0;
  };

  void follow(const BackendChecks& change);
  CheckId find_or_add(const CheckedEndpoint& endpoint);
  void attach(CheckId id, routing::BackendId backend, exchange::EndpointHealth& health);
  void detach(CheckId id, routing::BackendId backend, exchange::EndpointHealth& health);
  void remove(CheckId id);
  [[nodiscard]] Checked& checked(CheckId id) { return *checked_[static_cast<std::size_t>(id)]; }

  void run_due();
  void start(CheckId id);
  void on_done(CheckId id, const Check::Result& result);
  void take_in(Checked& checked, const Check::Result& result);
  void tell(const Checked& checked, const User& user, bool changed, bool passed);
  void count(const Checked& checked, bool passed);

  net::Loop& loop_;
  CheckBook& book_;
  exchange::Reaper reaper_;
  upstream::Pool pool_;
  upstream::FailureReasons reasons_;
  const CheckRoom room_;
  Schedule schedule_{kAtOnce};
  net::Deadline deadline_;
  absl::flat_hash_map<Target, CheckId> ids_;
  std::vector<std::unique_ptr<Checked>> checked_;  // by CheckId
  std::vector<CheckId> free_;
  absl::flat_hash_map<routing::BackendId, Backend> backends_;
  absl::flat_hash_map<exchange::EndpointHealth*, Opinion> opinions_;
};

}  // namespace portico::checks
