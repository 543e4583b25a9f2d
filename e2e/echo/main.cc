// An HTTP/1.1 backend for tests and the demo: answers JSON with what it was sent and who it is.
//
//   portico_echo [--listen 127.0.0.1:0] [--name POD] [--service NAME] [--namespace NAME] [--ingress
//   NAME]
//
// The first line of its output is the port it listens on. A thread a connection, blocking: small
// rather than fast.

#include <arpa/inet.h>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <zlib.h>

#include <fmt/format.h>

#include "e2e/echo/answer.h"
#include "e2e/echo/request.h"
#include "e2e/echo/stream.h"
#include "e2e/echo/tunnel.h"

namespace portico::echo {

namespace {

struct Flags {
  std::string listen = "127.0.0.1:0";
  Identity identity{.pod = "echo", .namespace_ = "default", .service = "echo", .ingress = ""};
};

[[noreturn]] void die(const std::string& why) {
  fmt::print(stderr, "portico_echo: {}\n", why);
  std::exit(2);
}

Flags parse_flags(int argc, char** argv) {
  Flags flags;
  for (int i = 1; i < argc; i += 2) {
    const std::string name = argv[i];
    if (i + 1 == argc) {
      die(name + " needs a value");
    }
    if (name == "--listen") {
      flags.listen = argv[i + 1];
    } else if (name == "--name") {
      flags.identity.pod = argv[i + 1];
    } else if (name == "--service") {
      flags.identity.service = argv[i + 1];
    } else if (name == "--namespace") {
      flags.identity.namespace_ = argv[i + 1];
    } else if (name == "--ingress") {
      flags.identity.ingress = argv[i + 1];
    } else {
      die("unknown flag " + name);
    }
  }
  return flags;
}

sockaddr_in parse_address(const std::string& text) {
  const auto colon = text.rfind(':');
  sockaddr_in address{};
  address.sin_family = AF_INET;
  if (colon == std::string::npos ||
      ::inet_pton(AF_INET, text.substr(0, colon).c_str(), &address.sin_addr) != 1) {
    die("--listen wants an IPv4 address and port, not '" + text + "'");
  }
  address.sin_port =
      htons(static_cast<std::uint16_t>(std::strtoul(text.c_str() + colon + 1, nullptr, 10)));
  return address;
}

int listen_on(sockaddr_in& address) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  socklen_t size = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener, generic, size) != 0 || ::listen(listener, 4096) != 0 ||
      ::getsockname(listener, generic, &size) != 0) {
    die("can't listen");
  }
  return listener;
}

bool serve_request(Stream& stream, const Request& request, const Identity& identity,
                   const std::string& remote) {
  const bool early = request.option("early").has_value();
  BodyFacts facts;
  if (early &&
      !send_answer(stream, request, {.body = describe(request, identity, facts, remote)})) {
    return false;
  }
  if (equals_ignoring_case(request.field("expect"), "100-continue") && !early &&
      !stream.write("HTTP/1.1 100 Continue\r\n\r\n")) {
    return false;
  }
  const bool keep_body = request.path() == "/echo-body";
  std::string body;
  const bool whole = read_body(stream, request, [&](std::string_view piece) {
    facts.bytes += piece.size();
    facts.crc32 = static_cast<std::uint32_t>(::crc32(facts.crc32,
                                                     reinterpret_cast<const Bytef*>(piece.data()),
                                                     static_cast<uInt>(piece.size())));
    if (keep_body) {
      body.append(piece);
    }
  });
  if (early || !whole) {
    return whole;
  }
  const Answer answer =
      keep_body ? Answer{"application/octet-stream", std::move(body)}
                : Answer{"application/json", describe(request, identity, facts, remote)};
  return send_answer(stream, request, answer);
}

void serve_connection(int socket, const Identity& identity, const std::string& remote) {
  Stream stream(socket);
  while (const auto request = read_request_head(stream)) {
    if (wants_tunnel(*request)) {
      run_tunnel(stream, *request);
      return;
    }
    if (!serve_request(stream, *request, identity, remote)) {
      if (request->option("cut") && request->option("reset")) {
        stream.reset_on_close();
      }
      return;
    }
  }
}

void accept_forever(int listener, const Identity& identity) {
  for (;;) {
    sockaddr_in peer{};
    socklen_t size = sizeof(peer);
    const int socket = ::accept4(listener, reinterpret_cast<sockaddr*>(&peer), &size, SOCK_CLOEXEC);
    if (socket < 0) {
      continue;
    }
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    char text[INET_ADDRSTRLEN];
    ::inet_ntop(AF_INET, &peer.sin_addr, text, sizeof(text));
    std::thread(serve_connection, socket, std::cref(identity),
                fmt::format("{}:{}", text, ntohs(peer.sin_port)))
        .detach();
  }
}

}  // namespace

}  // namespace portico::echo

int main(int argc, char** argv) {
  using namespace portico::echo;
  // The connections' threads are never joined: the process ends by a signal, at once.
  std::signal(SIGTERM, [](int) { ::_exit(0); });
  std::signal(SIGINT, [](int) { ::_exit(0); });
  const Flags flags = parse_flags(argc, argv);
  sockaddr_in address = parse_address(flags.listen);
  const int listener = listen_on(address);
  fmt::print("{}\n", ntohs(address.sin_port));
  std::fflush(stdout);
  accept_forever(listener, flags.identity);
}
