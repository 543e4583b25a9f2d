#include "e2e/echo/stream.h"

#include <algorithm>
#include <sys/socket.h>
#include <unistd.h>

namespace portico::echo {

namespace {
constexpr std::size_t kReadBytes = 64 * 1024;
constexpr std::size_t kMaxLineBytes = 1024 * 1024;
}  // namespace

Stream::~Stream() {
  ::close(socket_);
}

bool Stream::fill() {
  buffer_.erase(0, consumed_);
  consumed_ = 0;
  const std::size_t kept = buffer_.size();
  buffer_.resize(kept + kReadBytes);
  const ssize_t received = ::recv(socket_, buffer_.data() + kept, kReadBytes, 0);
  buffer_.resize(kept + static_cast<std::size_t>(std::max<ssize_t>(received, 0)));
  return received > 0;
}

std::optional<std::string> Stream::read_line() {
  std::size_t end;
  while ((end = buffer_.find('\n', consumed_)) == std::string::npos) {
    if (buffer_.size() - consumed_ > kMaxLineBytes || !fill()) {
      return std::nullopt;
    }
  }
  std::string line = buffer_.substr(consumed_, end - consumed_);
  consumed_ = end + 1;
  if (line.ends_with('\r')) {
    line.pop_back();
  }
  return line;
}

std::string_view Stream::read_some(std::size_t most) {
  if (most == 0 || (consumed_ == buffer_.size() && !fill())) {
    return {};
  }
  const std::string_view piece = std::string_view(buffer_).substr(consumed_, most);
  consumed_ += piece.size();
  return piece;
}

bool Stream::read_exactly(std::size_t bytes, std::string& into) {
  for (std::size_t left = bytes; left > 0;) {
    const std::string_view piece = read_some(left);
    if (piece.empty()) {
      return false;
    }
    into.append(piece);
    left -= piece.size();
  }
  return true;
}

bool Stream::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) {
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void Stream::finish_writing() {
  ::shutdown(socket_, SHUT_WR);
}

void Stream::reset_on_close() {
  const linger no_linger{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &no_linger, sizeof(no_linger));
}

}  // namespace portico::echo
