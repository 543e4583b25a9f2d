#include "controller/status/election.h"

#include <algorithm>
#include <utility>

namespace portico::status {

using std::chrono::milliseconds;

Election::Election(std::string identity, ElectionTimes times, std::uint32_t seed)
    : identity_(std::move(identity)), times_(times), random_(seed) {}

Election::Step Election::next(Time now, const std::string& wall) {
  if (leads_until_ && now >= *leads_until_) {
    leads_until_.reset();
    knows_ = false;
    next_try_ = now;
  }
  if (retiring_) {
    return retire_step(now, wall);
  }
  if (now < next_try_) {
    return Wait{next_try_};
  }
  if (!knows_) {
    return Look{};
  }
  if (!seen_ || is_mine() || now >= silent_at()) {
    return take_or_renew(wall);
  }
  return Look{};
}

Election::Step Election::take_or_renew(const std::string& wall) const {
  using std::chrono::seconds;
  LeaseRecord record{
      .holder = identity_,
      .duration_seconds = static_cast<int>(std::chrono::ceil<seconds>(times_.ttl).count()),
      .acquire_time = wall,
      .renew_time = wall};
  if (is_mine()) {
    record.acquire_time = seen_->record.acquire_time;
    record.transitions = seen_->record.transitions;
  } else if (seen_) {
    record.transitions = seen_->record.transitions + 1;
  }
  return Write{.before = seen_, .record = std::move(record)};
}

Election::Step Election::retire_step(Time now, const std::string& wall) {
  if (!leads(now)) {
    return Ended{};
  }
  if (!knows_) {
    return Look{};
  }
  if (!is_mine()) {
    return Ended{};
  }
  // As client-go releases: nobody holds it, and nobody has to wait.
  return Write{.before = seen_,
               .record = {.holder = "",
                          .duration_seconds = 1,
                          .transitions = seen_->record.transitions,
                          .acquire_time = wall,
                          .renew_time = wall}};
}

void Election::looked(Time now, std::optional<Lease> lease) {
  const bool same = seen_.has_value() == lease.has_value() &&
                    (!seen_ || seen_->record == lease->record) && changed_ != Time{};
  changed_ = same ? changed_ : now;
  seen_ = std::move(lease);
  knows_ = true;
  if (!is_mine()) {
    leads_until_.reset();
  }
  const bool is_free = !seen_ || seen_->record.holder.empty() || is_mine();
  next_try_ = is_free ? now : std::max(now, std::min(now + jittered_retry(), silent_at()));
}

void Election::wrote(Time began, Lease lease) {
  if (!(seen_ && seen_->record == lease.record)) {
    changed_ = began;
  }
  seen_ = std::move(lease);
  knows_ = true;
  conflicts_ = 0;
  next_try_ = began + times_.retry();
  if (is_mine()) {
    leads_until_ = began + times_.renew_deadline();
  } else {
    leads_until_.reset();
  }
}

void Election::conflicted(Time now) {
  constexpr int kAtOnce = 2;
  knows_ = false;
  next_try_ = ++conflicts_ > kAtOnce ? now + jittered_retry() : now;
}

void Election::failed(Time now, milliseconds at_least) {
  if (retiring_) {
    leads_until_.reset();
    return;
  }
  // A leader has little time to be heard again.
  const auto wait = leads_until_ ? times_.retry() / 2 : jittered_retry();
  next_try_ = now + std::max(wait, at_least);
}

// From when the holder may be taken for gone. Free at once where nobody holds it.
Election::Time Election::silent_at() const {
  if (!seen_ || seen_->record.holder.empty()) {
    return changed_;
  }
  const std::chrono::seconds said(seen_->record.duration_seconds);
  return changed_ + (said.count() > 0 ? milliseconds(said) : times_.ttl);
}

milliseconds Election::jittered_retry() {
  std::uniform_real_distribution<double> more(0, 0.2);
  return times_.retry() + std::chrono::round<milliseconds>(times_.retry() * more(random_));
}

}  // namespace portico::status
