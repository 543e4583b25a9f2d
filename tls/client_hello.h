// What a client says before a handshake, read without taking part in it: which server it means, and
// which protocols it offers.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace portico::tls {

struct ClientHello {
  std::string server_name;        // lower-case; empty: none sent
  std::vector<std::string> alpn;  // as offered
  bool operator==(const ClientHello&) const = default;
};

struct ClientHelloIncomplete {
  std::size_t more = 1;  // it can't be whole before this many more bytes are there
};
// No hello, or none that a server would take; OpenSSL knows why.
struct NoClientHello {};
using ClientHelloResult = std::variant<ClientHello, ClientHelloIncomplete, NoClientHello>;

// The most bytes that a hello may take with its records' headers; a longer one is none.
inline constexpr std::size_t kMaxClientHello = std::size_t{20} * 1024;

// Reads the hello at the start of `bytes`, from one record or more, which are what has come of the
// connection so far: ask again with more while it is incomplete. Nothing is consumed: a handshake
// begins with the same bytes. What is accepted here is not yet accepted by OpenSSL, which checks
// more; what it accepts is read here with the same result.
[[nodiscard]] ClientHelloResult read_client_hello(std::span<const char> bytes);

}  // namespace portico::tls
