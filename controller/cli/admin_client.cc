#include "controller/cli/admin_client.h"

#include <cerrno>
#include <charconv>
#include <memory>
#include <netdb.h>
#include <optional>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>

namespace portico::cli {
namespace {

constexpr std::string_view kDefaultPort = "10254";
constexpr std::size_t kMaxAnswerBytes = 64 << 20;

struct Place {
  std::string host, port;
};

std::optional<Place> parse_place(std::string_view admin) {
  if (admin.starts_with("http://")) {
    admin.remove_prefix(7);
  }
  if (admin.ends_with('/')) {
    admin.remove_suffix(1);
  }
  const bool is_bracketed = admin.starts_with('[');
  const auto host_end = is_bracketed ? admin.find(']') : admin.find(':');
  auto host = admin.substr(0, host_end);
  auto rest = host_end == std::string_view::npos ? std::string_view() : admin.substr(host_end);
  if (is_bracketed) {
    host.remove_prefix(1);
    if (rest.empty()) {
      return std::nullopt;
    }
    rest.remove_prefix(1);
  }
  const auto port = rest.empty() ? kDefaultPort : rest.substr(1);
  const bool is_number =
      !port.empty() && port.find_first_not_of("0123456789") == std::string_view::npos;
  if (host.empty() || !is_number || (!rest.empty() && rest.front() != ':')) {
    return std::nullopt;
  }
  return Place{std::string(host), std::string(port)};
}

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

std::string reason(int error) {
  return error == EAGAIN ? "it does not answer" : std::generic_category().message(error);
}

// Its socket waits no longer than ten seconds for anything: connect() too keeps to SO_SNDTIMEO.
std::expected<Socket, std::string> connect_to(const Place& place) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(place.host.c_str(), place.port.c_str(), &hints, &found)) {
    return std::unexpected(::gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, ::freeaddrinfo);
  int error = EADDRNOTAVAIL;
  for (const auto* address = found; address != nullptr; address = address->ai_next) {
    Socket socket(::socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const timeval limit{.tv_sec = 10, .tv_usec = 0};
    ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (::connect(socket.get(), address->ai_addr, address->ai_addrlen) == 0) {
      return socket;
    }
    error = errno == EINPROGRESS ? EAGAIN : errno;
  }
  return std::unexpected(reason(error));
}

std::expected<std::string, std::string> converse(const Socket& socket, std::string_view request) {
  while (!request.empty()) {
    const auto sent = ::send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL);
    if (sent < 0) {
      return std::unexpected(reason(errno));
    }
    request.remove_prefix(static_cast<std::size_t>(sent));
  }
  std::string answer;
  char piece[16384];
  while (answer.size() < kMaxAnswerBytes) {
    const auto got = ::recv(socket.get(), piece, sizeof piece, 0);
    if (got < 0) {
      return std::unexpected(reason(errno));
    }
    if (got == 0) {
      break;
    }
    answer.append(piece, static_cast<std::size_t>(got));
  }
  return answer;
}

// Until close and without a coding, since that is what was asked for.
std::optional<AdminAnswer> parse_answer(std::string_view text) {
  constexpr std::string_view kVersion = "HTTP/1.1 ";
  const auto head_end = text.find("\r\n\r\n");
  AdminAnswer answer;
  if (head_end == std::string_view::npos || !text.starts_with(kVersion)) {
    return std::nullopt;
  }
  const auto code = text.substr(kVersion.size(), 3);
  const auto parsed = std::from_chars(code.data(), code.data() + code.size(), answer.status);
  if (parsed.ec != std::errc{}) {
    return std::nullopt;
  }
  answer.body = text.substr(head_end + 4);
  return answer;
}

}  // namespace

std::expected<AdminAnswer, std::string> get_from_admin(std::string_view admin,
                                                       std::string_view target) {
  const auto place = parse_place(admin);
  if (!place) {
    return std::unexpected(fmt::format(
        "\"{}\" is no admin address: write it as http://127.0.0.1:{}", admin, kDefaultPort));
  }
  const auto failed = [&](std::string_view why) {
    return std::unexpected(fmt::format("can't ask {}:{}: {}", place->host, place->port, why));
  };
  const auto socket = connect_to(*place);
  if (!socket) {
    return failed(socket.error());
  }
  const auto text = converse(
      *socket, fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", target,
                           place->host.find(':') == std::string::npos ? place->host
                                                                      : "[" + place->host + "]"));
  if (!text) {
    return failed(text.error());
  }
  auto answer = parse_answer(*text);
  if (!answer) {
    return failed("what it answers is not HTTP/1.1");
  }
  return std::move(*answer);
}

}  // namespace portico::cli
