// Readiness of a descriptor, and calls put off to the loop: Asio's reactor without its operations.
//
// Asio's own reads cost either an epoll_ctl each (async_wait) or a recv that finds nothing after
// every recv that found something (async_read_some tries before it waits), and keep a buffer while
// they wait. Here one operation per descriptor lies in the reactor's queue, takes the edge and says
// so; the owner makes the system calls. This rests on boost::asio::detail as of 1.81, which only
// readiness.cc and loop_asio.h touch.
#pragma once

#include <memory>
#include <utility>

namespace portico::net {

struct LoopCore;

class ReadinessHandler {
 public:
  virtual void on_readable() = 0;
  virtual void on_writable() = 0;

 protected:
  ~ReadinessHandler() = default;
};

// Thread:    worker-bound.
// Lifetime:  after destruction or close() the handler is never called; what Asio still has queued
// then
//            holds the small node behind this, not the owner.
// Errors:    an edge may be false (Asio recycles its descriptor nodes): the handler's system call
// says.
class Readiness {
 public:
  enum class Descriptor : bool { kOwned, kBorrowed };

  Readiness() = default;
  // Waits for the first readable edge from the start.
  Readiness(LoopCore& loop, int fd, Descriptor ownership, ReadinessHandler& handler);
  Readiness(Readiness&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
  Readiness& operator=(Readiness&& other) noexcept;
  ~Readiness() { close(); }

  void set_handler(ReadinessHandler& handler);
  // Asks for the next edge; without effect while one is asked for. Call wait_readable() only when
  // the descriptor was seen empty, wait_writable() when it was seen full: an older edge is not told
  // again.
  void wait_readable();
  void wait_writable();
  // Leaves the reactor, and closes an owned descriptor.
  void close();

  [[nodiscard]] int fd() const;
  // The last readable edge came with the peer's end or an error: no further edge may come, so read
  // until the system call says which.
  [[nodiscard]] bool hung_up() const;
  explicit operator bool() const { return node_ != nullptr; }

 private:
  struct Node;
  struct Wait;
  Node* node_ = nullptr;
};

// A call to make from the loop, never from inside post(). Allocates at its first use only.
//
// Thread:    worker-bound.
// Lifetime:  destroying it takes the call back.
class Poster {
 public:
  using Call = void (*)(void* owner);
  Poster(LoopCore& loop, Call call, void* owner) : loop_(&loop), call_(call), owner_(owner) {}
  ~Poster();
  Poster(const Poster&) = delete;
  Poster& operator=(const Poster&) = delete;

  // Without effect while a call is pending.
  void post();

 private:
  struct Node;
  LoopCore* loop_;
  Call call_;
  void* owner_;
  Node* node_ = nullptr;
};

}  // namespace portico::net
