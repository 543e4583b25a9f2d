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

// The address of `port` on loopback: 127.0.0.1, and with another `host` 127.1.0.0 + host.
inline sockaddr_in loopback(std::uint16_t port, std::uint32_t host = 0) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(host == 0 ? INADDR_LOOPBACK : 0x7f010000U + host);
  return address;
}

inline void set_no_delay(int fd) {
  const int on = 1;
  check(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "TCP_NODELAY");
}

inline int listen_on(const sockaddr_in& address) {
  const int fd = check(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
  check(bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind");
  check(listen(fd, SOMAXCONN), "listen");
  return fd;
}

inline std::uint16_t port_of(int listener) {
  sockaddr_in address{};
  socklen_t length = sizeof address;
  check(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length), "getsockname");
  return ntohs(address.sin_port);
}

// Tells the port as the first line of standard output, once the program listens.
inline void announce(int listener) {
  std::printf("%d\n", port_of(listener));
  std::fflush(stdout);
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
