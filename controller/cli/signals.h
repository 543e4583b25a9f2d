// Signals as events of a loop.
#pragma once

#include <functional>
#include <memory>

#include "proxy/net/loop.h"

namespace portico::cli {

// SIGTERM, SIGINT and SIGHUP, blocked in this thread and in those it makes from now on; SIGPIPE is
// ignored.
//
// Thread:    made on the main thread before any other exists; `on_signal` is called on the loop.
class Signals {
 public:
  Signals(net::Loop& loop, std::move_only_function<void(int)> on_signal);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

 private:
  void read();

  std::move_only_function<void(int)> on_signal_;
  int fd_;
  std::unique_ptr<net::FdWatch> watch_;
};

}  // namespace portico::cli
