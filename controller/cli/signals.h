// Signals as calls.
#pragma once

#include <atomic>
#include <functional>
#include <thread>

namespace portico::cli {

// SIGTERM, SIGINT and SIGHUP, blocked in this thread and in those it makes from now on, and waited
// for by a thread of their own, so that a busy loop does not hide them; SIGPIPE is ignored.
//
// Thread:    made on the main thread before any other exists; `on_signal` is called on the signals'
//            own thread.
// Lifetime:  destroying it joins that thread; the signals stay blocked.
class Signals {
 public:
  explicit Signals(std::move_only_function<void(int)> on_signal);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

 private:
  void wait();

  std::move_only_function<void(int)> on_signal_;
  std::atomic<bool> ending_{false};
  std::thread thread_;  // last: it uses the others
};

}  // namespace portico::cli
