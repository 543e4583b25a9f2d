// Makes full TLS handshakes, one after the other on each of a few threads, and counts them.
//
// Usage: portico_bench_handshakes PORT SERVER_NAME SECONDS THREADS
// Prints how many were made. Nothing is resumed, and no certificate is verified. A handshake counts
// once the server has ended the connection too, so that its part of the work is done by then.
// Errors: a handshake that fails ends the program with 1.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "bench/common/socket.h"

namespace portico::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Target {
  std::uint16_t port;
  std::string server_name;
};

// A graceful end: our close_notify, then everything up to theirs, or up to the end of the stream.
void finish(SSL* ssl) {
  SSL_shutdown(ssl);
  char scratch[4096];
  while (SSL_read(ssl, scratch, sizeof scratch) > 0) {
  }
  ERR_clear_error();
}

int connect_to(std::uint16_t port) {
  const int fd = check(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
  const auto address = loopback(port);
  check(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), "connect");
  set_no_delay(fd);
  return fd;
}

bool shake_hands(SSL_CTX* context, const Target& target) {
  const int fd = connect_to(target.port);
  SSL* ssl = SSL_new(context);
  SSL_set_fd(ssl, fd);
  SSL_set_tlsext_host_name(ssl, target.server_name.c_str());
  const bool done = SSL_connect(ssl) == 1;
  if (done) {
    finish(ssl);
  } else {
    ERR_print_errors_fp(stderr);
  }
  SSL_free(ssl);
  close(fd);
  return done;
}

int run(const Target& target, Clock::duration duration, int threads) {
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()),
                                                            &SSL_CTX_free);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
  std::atomic<long> made = 0;
  std::atomic<bool> failed = false;
  const auto deadline = Clock::now() + duration;
  std::vector<std::thread> workers;
  for (int i = 0; i < threads; ++i) {
    workers.emplace_back([&] {
      while (Clock::now() < deadline && !failed) {
        if (shake_hands(context.get(), target)) {
          ++made;
        } else {
          failed = true;
        }
      }
    });
  }
  for (auto& worker : workers) {
    worker.join();
  }
  std::printf("%ld\n", made.load());
  return failed ? 1 : 0;
}

}  // namespace
}  // namespace portico::bench

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fputs("usage: portico_bench_handshakes PORT SERVER_NAME SECONDS THREADS\n", stderr);
    return 2;
  }
  const auto duration = std::chrono::duration_cast<portico::bench::Clock::duration>(
      std::chrono::duration<double>(std::atof(argv[3])));
  return portico::bench::run({static_cast<std::uint16_t>(std::atoi(argv[1])), argv[2]}, duration,
                             std::atoi(argv[4]));
}
