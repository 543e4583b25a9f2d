// A loop's handshakes take turns, so that a crowd of them does not hold up everybody else.
//
// What is dear about a handshake, the signature, is done in one step, at the client's hello: 0.2 ms
// (ECDSA) to 0.8 ms (RSA 2048). One such step is done in a turn of the loop, between what else has
// come; the others wait, the first to come first. For the files of this folder only.
#pragma once

#include <boost/intrusive/list.hpp>

namespace portico::net {

class Loop;

// Thread:    worker-bound.
class HandshakeTurns {
 public:
  using Hook =
      boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

  // Waits no more once it dies.
  class Waiter : public Hook {
   public:
    // It may do its step, from the loop.
    virtual void on_turn() = 0;

   protected:
    ~Waiter() = default;
  };

  // Whether a step may be done now; if so, it is this turn's.
  [[nodiscard]] bool take() {
    if (taken_ || !waiting_.empty()) {
      return false;
    }
    taken_ = true;
    return true;
  }
  void wait(Waiter& waiter) { waiting_.push_back(waiter); }

  // Nothing is to be done at the turn's end.
  [[nodiscard]] bool idle() const { return !taken_ && waiting_.empty(); }
  // The turn is over: the next is the first waiter's.
  void end_turn() {
    taken_ = false;
    if (waiting_.empty()) {
      return;
    }
    auto& next = waiting_.front();
    waiting_.pop_front();
    taken_ = true;
    next.on_turn();
  }

 private:
  boost::intrusive::list<Waiter, boost::intrusive::constant_time_size<false>> waiting_;
  bool taken_ = false;
};

HandshakeTurns& handshake_turns_of(Loop& loop);

}  // namespace portico::net
