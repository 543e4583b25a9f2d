#include <poll.h>
#include <utility>

#include "proxy/net/loop.h"
#include "proxy/net/loop_asio.h"
#include "proxy/net/readiness.h"

namespace portico::net {

namespace {

using Callback = std::move_only_function<void(bool readable, bool writable)>;

// Makes level triggering of edges by asking the descriptor again after every callback: these are
// few and slow descriptors (inotify, signals, the resolver), and their readers need not drain them.
class LevelWatch final : public FdWatch, ReadinessHandler {
 public:
  LevelWatch(LoopCore& loop, int fd, bool readable, bool writable, Callback callback)
      : fd_(fd),
        events_(static_cast<short>((readable ? POLLIN : 0) | (writable ? POLLOUT : 0))),
        callback_(std::move(callback)),
        poster_(
            loop, [](void* self) { static_cast<LevelWatch*>(self)->look(); }, this),
        readiness_(loop, fd, Readiness::Descriptor::kBorrowed, *this) {
    if (writable) {
      readiness_.wait_writable();
    }
    poster_.post();
  }
  ~LevelWatch() override {
    if (destroyed_ != nullptr) {
      *destroyed_ = true;
    }
  }

 private:
  void on_readable() override { look(); }
  void on_writable() override { look(); }

  void look() {
    // Asked for before looking: what becomes ready in between is told.
    readiness_.wait_readable();
    if ((events_ & POLLOUT) != 0) {
      readiness_.wait_writable();
    }
    pollfd state{.fd = fd_, .events = events_, .revents = 0};
    if (::poll(&state, 1, 0) <= 0) {
      return;
    }
    const bool broken = (state.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0;
    const bool readable = (events_ & POLLIN) != 0 && (broken || (state.revents & POLLIN) != 0);
    const bool writable = (events_ & POLLOUT) != 0 && (broken || (state.revents & POLLOUT) != 0);
    if (!readable && !writable) {
      return;
    }
    bool destroyed = false;
    destroyed_ = &destroyed;
    // Not called in place: it may destroy the watch, and itself with it.
    Callback callback = std::move(callback_);
    callback(readable, writable);
    if (destroyed) {
      return;
    }
    callback_ = std::move(callback);
    destroyed_ = nullptr;
    poster_.post();
  }

  int fd_;
  short events_;
  Callback callback_;
  bool* destroyed_ = nullptr;
  Poster poster_;
  Readiness readiness_;
};

}  // namespace

std::unique_ptr<FdWatch> Loop::watch(int fd, bool readable, bool writable, Callback callback) {
  check_thread();
  return std::make_unique<LevelWatch>(*core_, fd, readable, writable, std::move(callback));
}

std::unique_ptr<FdWatch> Loop::watch_readable(int fd, Task callback) {
  return watch(fd, true, false,
               [callback = std::move(callback)](bool, bool) mutable { callback(); });
}

std::unique_ptr<FdWatch> Loop::watch_writable(int fd, Task callback) {
  return watch(fd, false, true,
               [callback = std::move(callback)](bool, bool) mutable { callback(); });
}

}  // namespace portico::net
