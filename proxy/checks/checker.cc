#include "proxy/checks/checker.h"

#include <algorithm>
#include <utility>

#include "routing/stable_hash.h"

namespace portico::checks {
namespace {

using exchange::EndpointHealth;

// The same in every process, and another one for each target.
std::uint64_t place_of(const Target& target) {
  const char kind = static_cast<char>(target.spec.kind);
  return routing::StableHash()
      .add(target.address.to_string())
      .add({&kind, 1})
      .add(target.spec.path)
      .add(target.spec.grpc_service)
      .value();
}

}  // namespace

Checker::Checker(net::Loop& loop, const exchange::Options& options, CheckBook& book)
    : loop_(loop),
      book_(book),
      reaper_(loop),
      pool_(loop, options, reaper_),
      room_{.loop = loop, .pool = pool_, .reasons = reasons_},
      deadline_(loop, [this] { run_due(); }) {}

// A check that ends lets go of the pool's connections, so the pool must still be there.
Checker::~Checker() {
  checked_.clear();
  reaper_.free_all();
}

// ---- what is asked

// What is new comes first, so that a target that stays in use, by whatever backend, is the same
// one.
void Checker::apply(const std::vector<BackendChecks>& changes) {
  std::vector<std::pair<routing::BackendId, Attachments>> before;
  for (const auto& change : changes) {
    if (const auto found = backends_.find(change.backend); found != backends_.end()) {
      before.emplace_back(change.backend, std::move(found->second.attachments));
      book_.close(found->second.name);
      backends_.erase(found);
    }
    if (change.is_checked) {
      follow(change);
    }
  }
  for (const auto& [backend, attachments] : before) {
    for (const auto& attachment : attachments) {
      detach(attachment.id, backend, *attachment.health);
    }
  }
  run_due();
}

void Checker::follow(const BackendChecks& change) {
  auto& backend = backends_[change.backend];
  backend.name = change.name;
  book_.open(backend.name);
  for (const auto& endpoint : change.endpoints) {
    const auto id = find_or_add(endpoint);
    attach(id, change.backend, *endpoint.health);
    backend.attachments.push_back({.id = id, .health = endpoint.health});
  }
}

CheckId Checker::find_or_add(const CheckedEndpoint& endpoint) {
  const auto [found, added] = ids_.try_emplace(endpoint.target);
  if (!added) {
    return found->second;
  }
  if (free_.empty()) {
    free_.push_back(CheckId{static_cast<std::uint32_t>(checked_.size())});
    checked_.emplace_back();
  }
  const auto id = free_.back();
  free_.pop_back();
  found->second = id;
  const auto opinion = opinions_.find(endpoint.health);
  const bool is_ill = opinion != opinions_.end() && opinion->second.ill != 0;
  checked_[static_cast<std::size_t>(id)] = std::make_unique<Checked>(
      Checked{.target = endpoint.target,
              .streak = Streak(is_ill),
              .reason = is_ill ? book_.reason(*endpoint.health) : std::string(),
              .users = {},
              .running = nullptr});
  schedule_.add(id, endpoint.target.namespace_, endpoint.target.spec.interval,
                place_of(endpoint.target), loop_.now());
  return id;
}

void Checker::attach(CheckId id, routing::BackendId backend, EndpointHealth& health) {
  auto& target = checked(id);
  target.users.push_back({.backend = backend, .health = &health});
  auto& opinion = opinions_[&health];
  ++opinion.users;
  opinion.ill += target.streak.is_ill() ? 1 : 0;
  if (opinion.users == 1 || target.streak.is_ill()) {
    book_.set(health, target.streak.is_ill(), target.reason);
  }
}

void Checker::detach(CheckId id, routing::BackendId backend, EndpointHealth& health) {
  auto& target = checked(id);
  const User user{.backend = backend, .health = &health};
  target.users.erase(std::ranges::find(target.users, user));
  const auto opinion = opinions_.find(&health);
  opinion->second.ill -= target.streak.is_ill() ? 1 : 0;
  --opinion->second.users;
  if (opinion->second.ill == 0) {
    book_.set(health, false, {});
  }
  if (opinion->second.users == 0) {
    opinions_.erase(opinion);
  }
  if (target.users.empty()) {
    remove(id);
  }
}

void Checker::remove(CheckId id) {
  auto& target = checked(id);
  schedule_.remove(id);
  ids_.erase(target.target);
  checked_[static_cast<std::size_t>(id)].reset();
  free_.push_back(id);
}

// ---- the round

void Checker::run_due() {
  while (const auto id = schedule_.begin(loop_.now())) {
    start(*id);
  }
  if (const auto next = schedule_.next()) {
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(*next - loop_.now());
    deadline_.arm(std::max(wait, std::chrono::milliseconds(0)));
  }
}

void Checker::start(CheckId id) {
  auto& target = checked(id);
  const auto connections = exchange::EndpointId{static_cast<std::uint32_t>(id)};
  target.running =
      std::make_unique<Check>(room_, connections, target.target,
                              [this, id](const Check::Result& result) { on_done(id, result); });
}

void Checker::on_done(CheckId id, const Check::Result& result) {
  auto& target = checked(id);
  reaper_.take(std::move(target.running));
  if (!std::holds_alternative<Check::Untold>(result)) {
    take_in(target, result);
  }
  schedule_.finish(id, loop_.now());
  run_due();
}

void Checker::take_in(Checked& target, const Check::Result& result) {
  const auto* const failure = std::get_if<Check::Failed>(&result);
  const bool passed = failure == nullptr;
  if (!passed) {
    target.reason = failure->reason;
  }
  const bool changed = target.streak.count(passed, target.target.spec);
  for (const auto& user : target.users) {
    tell(target, user, changed, passed);
  }
  count(target, passed);
}

// An accepted connection is no proof against an ejection: what accepts may answer nothing but
// errors.
void Checker::tell(const Checked& target, const User& user, bool changed, bool passed) {
  auto& opinion = opinions_.find(user.health)->second;
  const bool is_ill = target.streak.is_ill();
  if (changed) {
    is_ill ? ++opinion.ill : --opinion.ill;
  }
  if (is_ill && !passed) {
    book_.set(*user.health, true, target.reason);
  } else if (changed && opinion.ill == 0) {
    book_.set(*user.health, false, {});
  }
  if (passed && opinion.ill == 0 &&
      target.target.spec.kind != routing::HealthCheckSpec::Kind::kTcp) {
    user.health->check_passed(loop_.now());
  }
}

// Once for each backend, whichever of its endpoints share the check.
void Checker::count(const Checked& target, bool passed) {
  const auto& users = target.users;
  for (auto user = users.begin(); user != users.end(); ++user) {
    const bool is_first =
        std::ranges::find(users.begin(), user, user->backend, &User::backend) == user;
    if (is_first) {
      book_.count(backends_.find(user->backend)->second.name, passed);
    }
  }
}

}  // namespace portico::checks
