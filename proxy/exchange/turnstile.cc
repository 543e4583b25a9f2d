#include "proxy/exchange/turnstile.h"

namespace portico::exchange {

struct Turnstile::Turn::Ticket {
  Ticket(net::Loop& its_loop, Waiter& its_waiter) : loop(its_loop), waiter(&its_waiter) {}

  net::Loop& loop;
  Waiter* waiter;         // its own thread's; null once it was told, or gave up
  bool admitted = false;  // under the lock
  Line::iterator place;   // under the lock; until it is admitted
};

bool Turnstile::take_place() {
  auto inside = inside_.load();
  const auto limit = limit_.load(std::memory_order_relaxed);
  while (inside < limit) {
    if (inside_.compare_exchange_weak(inside, inside + 1)) {
      return true;
    }
  }
  return false;
}

// A flood of those who find the line full must not hold up who is in it.
Turnstile::Turn Turnstile::wait(net::Loop& loop, Waiter& waiter, std::uint32_t longest) {
  if (waiting() >= longest) {
    return {};
  }
  auto ticket = std::make_shared<Turn::Ticket>(loop, waiter);
  const tls::MutexLock lock(mutex_);
  if (line_.size() >= longest) {
    return {};
  }
  ticket->place = line_.insert(line_.end(), ticket);
  waiting_.store(static_cast<std::uint32_t>(line_.size()));
  admit_locked();  // somebody may just have left
  return {*this, std::move(ticket)};
}

void Turnstile::set_limit(std::uint32_t limit) {
  limit_.store(limit);
  if (has_waiting()) {
    admit();
  }
}

void Turnstile::admit() {
  const tls::MutexLock lock(mutex_);
  admit_locked();
}

// The place is the waiter's from here on; it learns of it by its loop, which may be another
// thread's. Where that never runs again, ~Turn gives the place back.
void Turnstile::admit_locked() {
  while (!line_.empty() && take_place()) {
    const auto ticket = std::move(line_.front());
    line_.pop_front();
    waiting_.store(static_cast<std::uint32_t>(line_.size()));
    ticket->admitted = true;
    ticket->loop.post([ticket] {
      if (ticket->waiter != nullptr) {
        std::exchange(ticket->waiter, nullptr)->on_turn();
      }
    });
  }
}

void Turnstile::Turn::give_up() {
  const auto ticket = std::exchange(ticket_, nullptr);
  if (ticket == nullptr || std::exchange(ticket->waiter, nullptr) == nullptr) {
    return;
  }
  {
    const tls::MutexLock lock(turnstile_->mutex_);
    if (!ticket->admitted) {
      turnstile_->line_.erase(ticket->place);
      turnstile_->waiting_.store(static_cast<std::uint32_t>(turnstile_->line_.size()));
      return;
    }
  }
  turnstile_->leave();
}

}  // namespace portico::exchange
