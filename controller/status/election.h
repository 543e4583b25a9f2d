// Who leads, decided by one replica from what it sees of the Lease. A decider: time is an argument.
//
//   looking ──> waiting for the holder to fall silent ──> taking ──> leading ──> (renewing fails
//   for
//      ^                                                                 |        two thirds of
//      ttl) └─────────────────────────────────────────────────────────────────┘
//
// Clocks of other machines are never trusted: a holder is silent when its record has not changed
// for as long as it says, counted here from when the change was seen. A leader counts from when it
// began its last renewal that succeeded, and stops a third of ttl before others may take over.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <variant>

#include "controller/status/lease.h"

namespace portico::status {

struct ElectionTimes {
  std::chrono::milliseconds ttl{10'000};

  [[nodiscard]] std::chrono::milliseconds renew_deadline() const { return ttl * 2 / 3; }
  [[nodiscard]] std::chrono::milliseconds retry() const { return ttl / 5; }
  // Two tries fit before a leader has to stop.
  [[nodiscard]] std::chrono::milliseconds call_timeout() const { return ttl / 3; }
};

class Election {
 public:
  using Time = std::chrono::steady_clock::time_point;

  struct Look {};  // GET the Lease
  struct Write {   // PUT it, or POST it where there was none
    std::optional<Lease> before;
    LeaseRecord record;
  };
  struct Wait {
    Time until;
  };
  struct Ended {};  // after retire(): nothing more to do
  using Step = std::variant<Look, Write, Wait, Ended>;

  // `seed`: so that replicas which began together don't look together for ever.
  Election(std::string identity, ElectionTimes times, std::uint32_t seed);

  // One step at a time: after Look or Write, tell what came of it and ask again. `wall` is a
  // MicroTime, for others to read.
  Step next(Time now, const std::string& wall);

  void looked(Time now, std::optional<Lease> lease);  // nothing: there is none
  void wrote(Time began, Lease lease);
  void conflicted(Time now);  // somebody else wrote: look again
  void failed(Time now, std::chrono::milliseconds at_least = {});

  [[nodiscard]] bool leads(Time now) const { return leads_until_ && now < *leads_until_; }
  [[nodiscard]] std::optional<Time> leads_until() const { return leads_until_; }
  [[nodiscard]] std::string holder() const { return seen_ ? seen_->record.holder : ""; }

  // Lead no more and don't try to: the next steps release the Lease, if it is held.
  void retire() { retiring_ = true; }

 private:
  [[nodiscard]] bool is_mine() const { return seen_ && seen_->record.holder == identity_; }
  [[nodiscard]] Time silent_at() const;
  [[nodiscard]] Step take_or_renew(const std::string& wall) const;
  [[nodiscard]] Step retire_step(Time now, const std::string& wall);
  std::chrono::milliseconds jittered_retry();

  const std::string identity_;
  const ElectionTimes times_;
  std::minstd_rand random_;
  bool knows_ = false;         // what is seen_ is what was there when last looked at
  std::optional<Lease> seen_;  // nothing: there was none
  Time changed_;               // when seen_'s record was first seen
  std::optional<Time> leads_until_;
  Time next_try_;
  int conflicts_ = 0;  // in a row
  bool retiring_ = false;
};

}  // namespace portico::status
