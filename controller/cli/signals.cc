#include "controller/cli/signals.h"

#include <csignal>
#include <sys/signalfd.h>
#include <unistd.h>

namespace portico::cli {

Signals::Signals(net::Loop& loop, std::move_only_function<void(int)> on_signal)
    : on_signal_(std::move(on_signal)) {
  std::signal(SIGPIPE, SIG_IGN);
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
    sigaddset(&set, signal);
  }
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  fd_ = ::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  watch_ = loop.watch_readable(fd_, [this] { read(); });
}

Signals::~Signals() {
  watch_.reset();
  ::close(fd_);
}

void Signals::read() {
  signalfd_siginfo info;
  while (::read(fd_, &info, sizeof info) == sizeof info) {
    on_signal_(static_cast<int>(info.ssi_signo));
  }
}

}  // namespace portico::cli
