#include "controller/translate/tls_values.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "controller/kube/base64.h"
#include "controller/translate/annotation_values.h"
#include "tls/server_context.h"
#include "tls/ticket_keys.h"

namespace portico::translate {
namespace {

using routing::Settings;

constexpr std::string_view kSpaces = " \t\r\n";
constexpr std::size_t kKeyBytes = tls::TicketKeys::kWrittenBytes;

bool is_accepted(const tls::ServerOptions& options) {
  return tls::ServerContext::create(options, nullptr).has_value();
}

bool is_accepted_as_ciphers(std::string_view value) {
  return is_accepted({.ciphers = std::string(value)});
}

constexpr std::string_view kCiphers =
    "a list of TLS 1.2 cipher suites, divided by \":\", of which any is known and strong enough";

template <bool routing::TlsSettings::* Field>
ReadResult read_flag(std::string_view value, Settings& settings) {
  const auto flag = read_bool(value);
  if (!flag) {
    return std::unexpected(flag.error());
  }
  settings.tls.*Field = *flag;
  return {};
}

std::string_view next_word(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(kSpaces), text.size()));
  const auto word = text.substr(0, text.find_first_of(kSpaces));
  text.remove_prefix(word.size());
  return word;
}

// 80 bytes as they are, or as base64.
std::optional<std::string> read_key(std::string_view text) {
  if (text.size() == kKeyBytes) {
    return std::string(text);
  }
  auto decoded = kube::decode_base64(text);
  return decoded && decoded->size() == kKeyBytes ? std::move(decoded) : std::nullopt;
}

}  // namespace

ReadResult read_protocols(std::string_view value, Settings& settings) {
  constexpr std::array<std::string_view, 4> kOld = {"SSLv2", "SSLv3", "TLSv1", "TLSv1.1"};
  constexpr std::string_view kExpected = "\"TLSv1.2\", \"TLSv1.3\" or both, divided by a space";
  bool tls12 = false;
  bool tls13 = false;
  bool is_good = true;
  while (true) {
    const auto word = next_word(value);
    if (word.empty()) {
      break;
    }
    tls12 = tls12 || word == "TLSv1.2";
    tls13 = tls13 || word == "TLSv1.3";
    const bool is_old = std::ranges::find(kOld, word) != kOld.end();
    is_good = is_good && !is_old && (word == "TLSv1.2" || word == "TLSv1.3");
  }
  if (tls12 || tls13) {
    settings.tls.tls12 = tls12;
    settings.tls.tls13 = tls13;
  }
  if (!is_good || (!tls12 && !tls13)) {
    return std::unexpected(kExpected);
  }
  return {};
}

ReadResult read_ciphers(std::string_view value, Settings& settings) {
  if (!is_accepted_as_ciphers(value)) {
    return std::unexpected(kCiphers);
  }
  settings.tls.ciphers = value;
  return {};
}

ReadResult read_groups(std::string_view value, Settings& settings) {
  if (value == "auto") {
    settings.tls.groups.clear();
    return {};
  }
  if (!is_accepted({.groups = std::string(value)})) {
    return std::unexpected("\"auto\", or names of groups divided by \":\" (\"X25519:P-256\")");
  }
  settings.tls.groups = value;
  return {};
}

ReadResult read_reject_handshake(std::string_view value, Settings& settings) {
  return read_flag<&routing::TlsSettings::reject_unknown_names>(value, settings);
}

ReadResult read_session_tickets(std::string_view value, Settings& settings) {
  return read_flag<&routing::TlsSettings::tickets>(value, settings);
}

ReadResult read_ocsp(std::string_view value, Settings& settings) {
  return read_flag<&routing::TlsSettings::ocsp_stapling>(value, settings);
}

// As nginx writes times, of one unit.
ReadResult read_session_timeout(std::string_view value, Settings& settings) {
  constexpr std::int64_t kWeek = 7LL * 24 * 3600;
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), count);
  const std::string_view unit(end, value.data() + value.size());
  const std::int64_t seconds = unit.empty() || unit == "s" ? 1
                               : unit == "m"               ? 60
                               : unit == "h"               ? 3600
                               : unit == "d"               ? 24 * 3600
                                                           : 0;
  if (error != std::errc{} || seconds == 0 || count < 1 || count > kWeek / seconds) {
    return std::unexpected("a time up to 7d: a number with s, m, h or d behind it (\"10m\")");
  }
  settings.tls.session_timeout = std::chrono::seconds(count * seconds);
  return {};
}

ReadResult read_session_ticket_key(std::string_view value, Settings& settings) {
  auto key = kube::decode_base64(value);
  if (!key || key->size() != kKeyBytes) {
    return std::unexpected("80 bytes as base64 (`openssl rand 80 | openssl enc -A -base64`)");
  }
  settings.tls.ticket_keys = {std::move(*key)};
  return {};
}

ReadResult read_host_ciphers(std::string_view value, HostTlsReading& reading) {
  if (!is_accepted_as_ciphers(value)) {
    return std::unexpected(kCiphers);
  }
  reading.tls.ciphers = value;
  return {};
}

ReadResult read_prefer_server_ciphers(std::string_view value, HostTlsReading& reading) {
  const auto prefers = read_bool(value);
  if (!prefers) {
    return std::unexpected(prefers.error());
  }
  reading.tls.prefer_server_ciphers = *prefers;
  return {};
}

std::expected<std::vector<std::string>, std::string> read_ticket_keys(const kube::Secret& secret) {
  std::vector<std::string> keys;
  for (const auto& [name, value] : secret.data) {
    auto key = read_key(value);
    if (!key) {
      return std::unexpected(
          fmt::format("entry \"{}\" is no ticket key: it has {} bytes, not 80 (or their base64)",
                      name, value.size()));
    }
    keys.push_back(std::move(*key));
  }
  if (keys.empty()) {
    return std::unexpected("it has no entry");
  }
  return keys;
}

}  // namespace portico::translate
