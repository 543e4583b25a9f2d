// What is done once all events of a turn of the loop have been told: connections that carry many
// streams write then, so that what the streams were given leaves together.
#pragma once

#include <boost/intrusive/list.hpp>

#include "proxy/net/loop.h"

namespace portico::exchange {

using TurnTaskHook =
    boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

class TurnTask : public TurnTaskHook {
 public:
  virtual void on_turn_end() = 0;

 protected:
  ~TurnTask() = default;
};

// Thread:    worker-bound.
// Lifetime:  outlives its tasks, which may die, or be added again, at any time.
class TurnEnd {
 public:
  explicit TurnEnd(net::Loop& loop) : loop_(loop) {}

  // Once, however often it is asked for before the turn is over.
  void add(TurnTask& task) {
    if (task.is_linked()) {
      return;
    }
    if (tasks_.empty() && !posted_) {
      posted_ = true;
      loop_.post([this] { run(); });
    }
    tasks_.push_back(task);
  }

 private:
  void run() {
    posted_ = false;
    Tasks due;
    due.swap(tasks_);
    while (!due.empty()) {
      auto& task = due.front();
      due.pop_front();
      task.on_turn_end();
    }
  }

  using Tasks = boost::intrusive::list<TurnTask, boost::intrusive::constant_time_size<false>>;
  net::Loop& loop_;
  Tasks tasks_;
  bool posted_ = false;
};

}  // namespace portico::exchange
