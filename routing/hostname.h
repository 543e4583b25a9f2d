// A host name as rules, certificates and requests use it: parsed, lower-case, without port or final
// dot.
#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace portico::routing {

// The host of a rule: an exact name, a wildcard of one label ("*.example.com"), or any host.
//
// If you hold one it is valid (RFC 1123 names; the Ingress documentation's wildcard rule).
class Hostname {
 public:
  // "" means any host. Errors name what is wrong: an IP address, a port, a bad label, "*"
  // elsewhere.
  static std::expected<Hostname, std::string> parse(std::string_view text);

  Hostname() = default;
  [[nodiscard]] bool is_any() const { return text_.empty(); }
  [[nodiscard]] bool is_wildcard() const { return text_.starts_with("*."); }
  [[nodiscard]] const std::string& text() const { return text_; }
  auto operator<=>(const Hostname&) const = default;

 private:
  explicit Hostname(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

// The host part of a request's authority (RFC 9110 7.2), or nothing if the authority is malformed.
// Handles a port, an IPv6 literal, upper case and one final dot. Writes at most 255 bytes,
// lower-case, into `buffer` and returns a view of it, or of `authority` where nothing had to
// change.
struct HostBuffer {
  char bytes[256];
};
std::expected<std::string_view, std::string_view> request_host(std::string_view authority,
                                                               HostBuffer& buffer);

// "a.example.com" -> "*.example.com"'s suffix ".example.com"; empty where the name has no parent.
std::string_view wildcard_suffix(std::string_view host);

}  // namespace portico::routing
