// Sockets for the benchmark's own programs: a loopback listener on a port the kernel picks, and
// what both programs do to every connection. A failure ends the program: there is nothing to
// recover.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace portico::bench {

[[noreturn]] inline void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

inline int check(int result, const char* what) {
  if (result < 0) {
    fail(what);
  }
  return result;
}

inline sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

inline void set_no_delay(int fd) {
  const int on = 1;
  check(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "TCP_NODELAY");
}

// Listens on 127.0.0.1 and prints the port as the first line of standard output.
inline int listen_and_announce() {
  const int fd = check(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
  sockaddr_in address = loopback(0);
  socklen_t length = sizeof address;
  check(bind(fd, reinterpret_cast<sockaddr*>(&address), length), "bind");
  check(listen(fd, SOMAXCONN), "listen");
  check(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length), "getsockname");
  std::printf("%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  return fd;
}

// The next waiting client, or -1 when there is none.
inline int accept_one(int listener) {
  const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) {
    set_no_delay(fd);
  }
  return fd;
}

}  // namespace portico::bench
