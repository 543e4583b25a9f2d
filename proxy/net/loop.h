// A worker's event loop: one thread, its sockets, its deadlines, its buffers.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "proxy/net/buffer_pool.h"
#include "proxy/net/deadline.h"

namespace portico::net {

struct LoopCore;  // loop_asio.h, for this folder only

// Calls back while a descriptor is ready, until it dies. The descriptor stays the caller's, and
// must outlive the watch.
class FdWatch {
 public:
  virtual ~FdWatch() = default;
};

// Thread:    run() makes the calling thread the loop's; only post(), stop() and in_loop_thread()
// may be
//            called from others. Before run() everything may be called from the creating thread.
// Lifetime:  outlives everything made with it. What was posted and did not run is destroyed, unrun,
//            with the loop or before.
class Loop {
 public:
  using Task = std::move_only_function<void()>;
  using Clock = std::chrono::steady_clock;

  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Until stop().
  void run();
  // Until `done` or until `limit` has passed; the final value of `done`. For tests and for starting
  // up.
  bool run_until(std::move_only_function<bool()> done, std::chrono::milliseconds limit);
  void stop();

  // Runs `task` on the loop's thread, never inside the call; in order of posting. From any thread.
  void post(Task task);

  // Steady time, some milliseconds coarse, for about 5 ns.
  [[nodiscard]] Clock::time_point now() const;

  [[nodiscard]] bool in_loop_thread() const;
  // Asserts (in debug) that the caller may touch what belongs to this loop.
  void check_thread() const;

  BufferPool& buffers();
  DeadlineWheel& deadlines();

  // Level triggered: called again as long as the descriptor stays ready. `callback` may destroy the
  // watch.
  std::unique_ptr<FdWatch> watch_readable(int fd, Task callback);
  std::unique_ptr<FdWatch> watch_writable(int fd, Task callback);
  // Both at once (one descriptor may be in one watch only).
  std::unique_ptr<FdWatch> watch(
      int fd, bool readable, bool writable,
      std::move_only_function<void(bool readable, bool writable)> callback);

  LoopCore& core() { return *core_; }

 private:
  std::unique_ptr<LoopCore> core_;
};

}  // namespace portico::net
