// A DNS server on a loopback port that says what a test wants.
#pragma once

#include <arpa/inet.h>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <netinet/in.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include "proxy/net/loop.h"

namespace portico::kube {

class FakeDnsServer {
 public:
  struct Records {
    std::vector<std::string> addresses;  // of both families
    std::uint32_t ttl_seconds = 1;
  };

  explicit FakeDnsServer(net::Loop& loop)
      : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    if (::bind(fd_, reinterpret_cast<sockaddr*>(&address), size) != 0) {
      std::abort();
    }
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    watch_ = loop.watch_readable(fd_, [this] { answer(); });
  }
  ~FakeDnsServer() {
    watch_.reset();
    ::close(fd_);
  }
  FakeDnsServer(const FakeDnsServer&) = delete;
  FakeDnsServer& operator=(const FakeDnsServer&) = delete;

  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  std::map<std::string, Records> records;  // other names do not exist
  bool fails = false;                      // SERVFAIL to everything
  std::vector<std::string> asked;          // names, A questions only

 private:
  static constexpr std::uint16_t kA = 1, kAaaa = 28;

  static void put16(std::string& out, std::uint16_t value) {
    out += static_cast<char>(value >> 8);
    out += static_cast<char>(value);
  }

  void answer() {
    char buffer[512];
    sockaddr_in from{};
    socklen_t from_size = sizeof(from);
    const ssize_t size =
        ::recvfrom(fd_, buffer, sizeof(buffer), 0, reinterpret_cast<sockaddr*>(&from), &from_size);
    if (size > 12) {
      const std::string reply = reply_to(std::string_view(buffer, static_cast<std::size_t>(size)));
      ::sendto(fd_, reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from), from_size);
    }
  }

  std::string reply_to(std::string_view query) {
    std::string name;
    std::size_t at = 12;
    while (at < query.size() && query[at] != 0) {
      name += (name.empty() ? "" : ".") +
              std::string(query.substr(at + 1, static_cast<unsigned char>(query[at])));
      at += 1 + static_cast<unsigned char>(query[at]);
    }
    const std::string_view question = query.substr(12, at + 5 - 12);
    const auto type = static_cast<std::uint16_t>(static_cast<unsigned char>(query[at + 1]) << 8 |
                                                 static_cast<unsigned char>(query[at + 2]));
    if (type == kA) {
      asked.push_back(name);
    }
    std::string body;
    const auto found = records.find(name);
    const std::uint16_t count =
        fails || found == records.end() ? 0 : append_records(found->second, type, body);
    std::string reply(query.substr(0, 2));
    put16(reply, fails ? 0x8182 : found == records.end() ? 0x8183 : 0x8180);
    put16(reply, 1);
    put16(reply, count);
    put16(reply, 0);
    put16(reply, 0);
    return reply.append(question).append(body);
  }

  static std::uint16_t append_records(const Records& from, std::uint16_t type, std::string& body) {
    std::uint16_t count = 0;
    for (const std::string& text : from.addresses) {
      char bytes[16];
      const bool is_v6 = text.find(':') != std::string::npos;
      if (is_v6 != (type == kAaaa) ||
          inet_pton(is_v6 ? AF_INET6 : AF_INET, text.c_str(), bytes) != 1) {
        continue;
      }
      put16(body, 0xc00c);  // the name of the question
      put16(body, type);
      put16(body, 1);
      put16(body, static_cast<std::uint16_t>(from.ttl_seconds >> 16));
      put16(body, static_cast<std::uint16_t>(from.ttl_seconds));
      put16(body, is_v6 ? 16 : 4);
      body.append(bytes, is_v6 ? 16 : 4);
      ++count;
    }
    return count;
  }

  int fd_;
  std::uint16_t port_ = 0;
  std::unique_ptr<net::FdWatch> watch_;
};

}  // namespace portico::kube
