// What a request is hashed by (`upstream-hash-by`): a text with nginx's variables, as pieces.
//
//   "$http_x_user"   "${cookie_cart}"   "$host$uri"   "tenant-$arg_tenant"
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace portico::routing {

// Hashing by subset chooses among at most so many endpoints.
inline constexpr std::uint32_t kMaxHashSubset = 64;

class HashKey {
 public:
  enum class Kind : std::uint8_t {
    kText,           // itself
    kClientAddress,  // $remote_addr, $binary_remote_addr: both tell the same clients apart
    kRequestUri,     // $request_uri: as received, with the query
    kUri,            // $uri: the path as it is matched
    kQuery,          // $args, $query_string
    kHost,           // $host: lower-case, without port
    kHostHeader,     // $http_host
    kServerName,     // $server_name: the rule's host
    kMethod,         // $request_method
    kScheme,         // $scheme
    kHeader,         // $http_<name>
    kCookie,         // $cookie_<name>
    kArgument,       // $arg_<name>
  };
  struct Piece {
    Kind kind = Kind::kText;
    std::string text;  // or the name; a header's with '-' for '_'
    bool operator==(const Piece&) const = default;
  };

  static constexpr std::size_t kMaxBytes = 1024;
  static constexpr std::size_t kMaxPieces = 16;  // each may look through all of a head

  // Nothing where it holds no variable, one that is not known, or too much: see kWanted.
  static std::optional<HashKey> parse(std::string_view text);
  // What parse() takes, to end a sentence `"x" is not …`.
  static constexpr std::string_view kWanted =
      "a text with at least one variable, of $remote_addr, $binary_remote_addr, $request_uri, "
      "$uri, $args, $query_string, $host, $http_host, $server_name, $request_method, $scheme, "
      "$http_<header>, $cookie_<name> and $arg_<name>, of at most 16 parts in 1,024 characters";

  [[nodiscard]] std::span<const Piece> pieces() const { return pieces_; }
  bool operator==(const HashKey&) const = default;

 private:
  std::vector<Piece> pieces_;
};

}  // namespace portico::routing
