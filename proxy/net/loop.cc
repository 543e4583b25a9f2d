#include "proxy/net/loop.h"

#include <cassert>
#include <ctime>
#include <utility>

#include <boost/asio/post.hpp>

#include "proxy/net/loop_asio.h"

namespace portico::net {

namespace asio = boost::asio;

namespace {

Loop::Clock::time_point coarse_now() {
  // The same clock as steady_clock's, read without asking the hardware.
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return Loop::Clock::time_point(std::chrono::seconds(now.tv_sec) +
                                 std::chrono::nanoseconds(now.tv_nsec));
}

}  // namespace

LoopCore::LoopCore()
    : scheduler(asio::use_service<asio::detail::io_context_impl>(io)),
      reactor(asio::use_service<asio::detail::reactor>(io)),
      work(io.get_executor()),
      tick_timer(io),
      deadlines(&coarse_now, [this] { schedule_tick(); }),
      sends(buffers) {
  reactor.init_task();
}

LoopCore::~LoopCore() {
  // Tasks may own what needs the loop, so they go while it is whole; and may post when they die.
  for (;;) {
    std::vector<Loop::Task> dying;
    {
      const tls::MutexLock lock(mutex);
      dying.swap(posted);
    }
    if (dying.empty()) {
      return;
    }
  }
}

void LoopCore::post(Loop::Task task) {
  bool first = false;
  {
    const tls::MutexLock lock(mutex);
    first = posted.empty();
    posted.push_back(std::move(task));
  }
  if (first) {
    asio::post(io, [this] { run_posted(); });
  }
}

void LoopCore::run_posted() {
  {
    const tls::MutexLock lock(mutex);
    running.swap(posted);
  }
  for (Loop::Task& task : running) {
    std::exchange(task, nullptr)();
  }
  running.clear();
}

void LoopCore::schedule_tick() {
  if (ticking) {
    return;
  }
  ticking = true;
  tick_timer.expires_after(DeadlineWheel::kTick);
  tick_timer.async_wait([this](const boost::system::error_code& error) {
    ticking = false;
    if (error) {
      return;
    }
    deadlines.advance(coarse_now());
    if (!deadlines.empty()) {
      schedule_tick();
    }
  });
}

HandshakeTurns& handshake_turns_of(Loop& loop) {
  return loop.core().handshakes;
}

Loop::Loop() : core_(std::make_unique<LoopCore>()) {}
Loop::~Loop() = default;

void Loop::run() {
  core_->thread = std::this_thread::get_id();
  while (core_->io.run_one() != 0) {
    core_->end_turn();
  }
  core_->thread = std::thread::id();
}

bool Loop::run_until(std::move_only_function<bool()> done, std::chrono::milliseconds limit) {
  constexpr std::chrono::milliseconds kAskEvery{5};
  core_->thread = std::this_thread::get_id();
  const auto end = Clock::now() + limit;
  bool is_done = done();  // asked once a step: it may compare with what it saw the last time
  while (!is_done && Clock::now() < end && !core_->io.stopped()) {
    core_->io.run_one_until(std::min(end, Clock::now() + kAskEvery));
    core_->end_turn();
    is_done = done();
  }
  core_->thread = std::thread::id();
  return is_done;
}

void Loop::stop() {
  core_->io.stop();
}

void Loop::post(Task task) {
  core_->post(std::move(task));
}

Loop::Clock::time_point Loop::now() const {
  return coarse_now();
}

bool Loop::in_loop_thread() const {
  return core_->thread.load(std::memory_order_relaxed) == std::this_thread::get_id();
}

void Loop::check_thread() const {
  assert((core_->thread.load(std::memory_order_relaxed) == std::thread::id() || in_loop_thread()) &&
         "touched from another thread than the loop's");
}

BufferPool& Loop::buffers() {
  return core_->buffers;
}

DeadlineWheel& Loop::deadlines() {
  return core_->deadlines;
}

}  // namespace portico::net
