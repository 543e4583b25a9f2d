// What a client says before a handshake, read without taking part in it: which server it means, and
// which protocols it offers.
#pragma once

#include <cstddef>
#include <optional>
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

// The most bytes that a hello may take with its records' headers; a longer one is none. A ticket,
// which holds the certificate that its client showed, has room in it.
inline constexpr std::size_t kMaxClientHello = std::size_t{32} * 1024;

// Reads the hello at the start of `bytes`, from one record or more, which are what has come of the
// connection so far: ask again with more while it is incomplete. Nothing is consumed: a handshake
// begins with the same bytes. What is accepted here is not yet accepted by OpenSSL, which checks
// more; what it accepts is read here with the same result.
[[nodiscard]] ClientHelloResult read_client_hello(std::span<const char> bytes);

// How many of `bytes`, which have come for a server that awaits a hello, it may be given. OpenSSL
// makes room for a message once it knows its length, 128 KiB for a hello, so that 9 bytes would
// cost that much: a hello is given whole, and without what stands behind it, which may be the start
// of another. 0: not before more has come. Nothing: the hello is longer than one may be, or shares
// its last record with something else.
[[nodiscard]] std::optional<std::size_t> hello_bytes_to_feed(std::span<const char> bytes);

// Whether what a server answered (its first bytes) is a wish for another hello (RFC 8446 4.1.4).
[[nodiscard]] bool asks_for_another_hello(std::span<const char> answer);

}  // namespace portico::tls
