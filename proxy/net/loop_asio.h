// What a Loop is made of. For the files of this folder only.
#pragma once

#include <atomic>
#include <thread>
#include <vector>

#include <boost/asio/detail/reactor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "proxy/net/handshake_turns.h"
#include "proxy/net/loop.h"
#include "proxy/net/send_batch.h"
#include "tls/mutex.h"

namespace portico::net {

struct LoopCore {
  LoopCore();
  ~LoopCore();

  void post(Loop::Task task);
  void run_posted();
  void schedule_tick();
  // Whether more is to be done before the reactor is asked again.
  [[nodiscard]] bool turn_goes_on() const;
  void end_turn() {
    if ((!sends.empty() || !handshakes.idle()) && !turn_goes_on()) {
      sends.flush_all();
      handshakes.end_turn();
    }
  }

  // Never plain UNSAFE: that would make a post from another thread undefined.
  boost::asio::io_context io{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO};
  boost::asio::detail::io_context_impl& scheduler;
  boost::asio::detail::reactor& reactor;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work;

  BufferPool buffers;
  boost::asio::steady_timer tick_timer;
  bool ticking = false;
  DeadlineWheel deadlines;
  SendBatch sends;
  HandshakeTurns handshakes;

  tls::Mutex mutex;
  std::vector<Loop::Task> posted PORTICO_GUARDED_BY(mutex);
  std::vector<Loop::Task> running;  // keeps its memory from batch to batch

  std::atomic<std::thread::id> thread{};
};

}  // namespace portico::net
