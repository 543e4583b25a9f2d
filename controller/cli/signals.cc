#include "controller/cli/signals.h"

#include <csignal>
#include <utility>

namespace portico::cli {
namespace {

sigset_t handled() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
    sigaddset(&set, signal);
  }
  return set;
}

}  // namespace

Signals::Signals(std::move_only_function<void(int)> on_signal) : on_signal_(std::move(on_signal)) {
  std::signal(SIGPIPE, SIG_IGN);
  const auto set = handled();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  thread_ = std::thread([this] { wait(); });
}

Signals::~Signals() {
  ending_ = true;
  pthread_kill(thread_.native_handle(), SIGHUP);  // wakes it
  thread_.join();
}

void Signals::wait() {
  const auto set = handled();
  int signal = 0;
  while (sigwait(&set, &signal) == 0 && !ending_) {
    on_signal_(signal);
  }
}

}  // namespace portico::cli
