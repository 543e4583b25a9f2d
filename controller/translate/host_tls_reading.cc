#include "controller/translate/host_tls_reading.h"

#include <algorithm>
#include <charconv>

#include "controller/translate/annotation_values.h"

namespace portico::translate {
namespace {

using routing::ClientVerification;
using Result = std::expected<void, std::string_view>;

constexpr int kMostDepth = 100;  // OpenSSL's own

bool is_name(std::string_view text) {
  const auto is_edge = [](char c) { return c == '-' || c == '.'; };
  return !text.empty() && !is_edge(text.front()) && !is_edge(text.back()) &&
         std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
         });
}

// What may stand in a Location field as it is.
bool is_url(std::string_view text) {
  const bool has_scheme = text.starts_with("http://") || text.starts_with("https://");
  return has_scheme && text.find("//") + 2 < text.size() &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f && c != '"'; });
}

}  // namespace

Result read_authority_secret(std::string_view value, HostTlsReading& reading) {
  const auto slash = value.find('/');
  const bool is_good = slash == std::string_view::npos
                           ? is_name(value)
                           : is_name(value.substr(0, slash)) && is_name(value.substr(slash + 1));
  reading.tls.authority_secret = value;
  if (!is_good) {
    reading.tls.refused_because = "auth-tls-secret names no Secret";
    return std::unexpected("the name of a Secret (\"namespace/name\")");
  }
  return {};
}

Result read_client_verification(std::string_view value, HostTlsReading& reading) {
  reading.verify = ClientVerification::kOn;  // unless it says otherwise
  if (value == "off") {
    reading.verify = ClientVerification::kOff;
  } else if (value == "optional") {
    reading.verify = ClientVerification::kOptional;
  } else if (value == "optional_no_ca") {
    reading.verify = ClientVerification::kOptionalNoCa;
  } else if (value != "on") {
    return std::unexpected("\"on\", \"off\", \"optional\" or \"optional_no_ca\"");
  }
  return {};
}

Result read_verify_depth(std::string_view value, HostTlsReading& reading) {
  int depth = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), depth);
  if (error != std::errc{} || end != value.data() + value.size() || depth < 1 ||
      depth > kMostDepth) {
    return std::unexpected("a whole number from 1 to 100");
  }
  reading.tls.verify_depth = depth;
  return {};
}

Result read_error_page(std::string_view value, HostTlsReading& reading) {
  if (!is_url(value)) {
    return std::unexpected("a URL that begins with \"http://\" or \"https://\"");
  }
  reading.tls.error_page = value;
  return {};
}

// The whole value is the expression, "CN=" included: it is looked for in the subject.
Result read_subject(std::string_view value, HostTlsReading& reading) {
  constexpr std::string_view kExpected =
      "\"CN=\" with a regular expression (RE2) behind it (\"CN=(alice|bob)\")";
  auto pattern = routing::TextPattern::parse(value);
  if (!value.starts_with("CN=") || !pattern) {
    reading.tls.refused_because = "auth-tls-match-cn can't be understood";
    return std::unexpected(kExpected);
  }
  reading.tls.subject = std::move(*pattern);
  return {};
}

Result read_pass_certificate(std::string_view value, HostTlsReading& reading) {
  const auto passes = read_bool(value);
  if (!passes) {
    return std::unexpected(passes.error());
  }
  reading.tls.pass_certificate = *passes;
  return {};
}

}  // namespace portico::translate
