#include "proxy/server/access_log.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

namespace portico::server {
namespace {

constexpr std::chrono::milliseconds kPollInterval{50};
constexpr std::chrono::seconds kLastWrites{1};

int open_log(const std::string& path) {
  return ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
}

}  // namespace

std::expected<std::unique_ptr<AccessLog>, std::string> AccessLog::open(LogFormat format,
                                                                       std::string path,
                                                                       std::size_t workers) {
  const int fd = path.empty() ? ::dup(STDOUT_FILENO) : open_log(path);
  if (fd < 0) {
    return std::unexpected("access log " + (path.empty() ? "on standard output" : path) + ": " +
                           std::strerror(errno));
  }
  return std::unique_ptr<AccessLog>(new AccessLog(format, std::move(path), fd, workers));
}

AccessLog::AccessLog(LogFormat format, std::string path, int fd, std::size_t workers)
    : format_(format), path_(std::move(path)), fd_(fd) {
  use(fd);
  for (std::size_t i = 0; i < workers; ++i) {
    rings_.push_back(std::make_unique<LogRing>());
  }
  writer_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

AccessLog::~AccessLog() {
  writer_.request_stop();
  writer_.join();
  const auto limit = std::chrono::steady_clock::now() + kLastWrites;
  while (drain() && std::chrono::steady_clock::now() < limit) {
  }
  ::close(fd_);
}

void AccessLog::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    if (reopen_.exchange(false)) {
      reopen_file();
    }
    while (drain() && !stop.stop_requested()) {
    }
    wake_.wait_for(lock, stop, kPollInterval, [] { return false; });
  }
}

// True while more waits.
bool AccessLog::drain() {
  bool more = false;
  for (auto& ring : rings_) {
    const auto bytes = ring->front();
    std::size_t written = 0;
    if (!bytes.empty() && write_some(bytes, written)) {
      ring->consume(written);
      more = true;
    } else if (!bytes.empty()) {
      more = true;
    }
  }
  return more;
}

// A pipe takes PIPE_BUF bytes without blocking once poll says so; the writer must stay able to
// stop.
bool AccessLog::write_some(std::span<const char> bytes, std::size_t& written) {
  pollfd ready{.fd = fd_, .events = POLLOUT, .revents = 0};
  if (::poll(&ready, 1, static_cast<int>(kPollInterval.count())) <= 0) {
    return false;
  }
  const auto size = may_block_ ? std::min<std::size_t>(bytes.size(), PIPE_BUF) : bytes.size();
  const auto result = ::write(fd_, bytes.data(), size);
  if (result < 0) {
    written = errno == EINTR || errno == EAGAIN ? 0 : lose(bytes);
    return true;
  }
  written = static_cast<std::size_t>(result);
  return true;
}

// A full disk or a closed pipe: these lines are lost, the requests they tell of are not. Whole
// lines, so that what follows once there is room again begins one.
std::size_t AccessLog::lose(std::span<const char> bytes) {
  const auto lines = std::ranges::count(bytes, '\n');
  lost_lines_ += static_cast<std::uint64_t>(lines);
  const std::string_view text(bytes.data(), bytes.size());
  return lines == 0 ? bytes.size() : text.rfind('\n') + 1;
}

void AccessLog::reopen_file() {
  if (path_.empty()) {
    return;
  }
  if (const int fd = open_log(path_); fd >= 0) {
    ::close(fd_);
    use(fd);
  }
}

// A path may name a pipe too: /dev/stdout.
void AccessLog::use(int fd) {
  struct stat status{};
  fd_ = fd;
  may_block_ = ::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode);
}

}  // namespace portico::server
