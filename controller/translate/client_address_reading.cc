#include "controller/translate/client_address_reading.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <vector>

namespace portico::translate {
namespace {

constexpr std::string_view kSeparators = ", \t\r\n";

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

}  // namespace

std::expected<std::chrono::milliseconds, std::string_view> read_duration(std::string_view text) {
  constexpr std::string_view kExpected =
      "a duration: digits, then nothing, ms, s, m or h (\"600s\"), and not 0";
  constexpr std::int64_t kYear = 365LL * 24 * 3600 * 1000;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const auto unit = text.substr(static_cast<std::size_t>(end - text.data()));
  const std::int64_t scale = unit == "ms"                  ? 1
                             : unit.empty() || unit == "s" ? 1000
                             : unit == "m"                 ? 60'000
                             : unit == "h"                 ? 3'600'000
                                                           : 0;
  if (error != std::errc{} || scale == 0 || number < 1 || number > kYear / scale) {
    return std::unexpected(kExpected);
  }
  return std::chrono::milliseconds(number * scale);
}

std::expected<routing::BackendProxyProtocol, std::string_view> read_backend_proxy_protocol(
    std::string_view text) {
  using enum routing::BackendProxyProtocol;
  if (text == "off") {
    return kOff;
  }
  if (text == "v1") {
    return kV1;
  }
  if (text == "v2") {
    return kV2;
  }
  return std::unexpected("\"v1\", \"v2\" or \"off\"");
}

std::expected<std::string, std::string_view> read_header_name(std::string_view text) {
  if (text.empty() || !std::ranges::all_of(text, is_name_char)) {
    return std::unexpected("the name of a header, of letters, digits and dashes");
  }
  return std::string(text);
}

std::expected<void, std::string_view> read_trusted_proxies(std::string_view value,
                                                           routing::Settings& settings) {
  std::vector<routing::Cidr> networks;
  bool all_good = true;
  for (auto rest = value; !rest.empty();) {
    const auto begin = std::min(rest.find_first_not_of(kSeparators), rest.size());
    rest.remove_prefix(begin);
    const auto entry = rest.substr(0, rest.find_first_of(kSeparators));
    rest.remove_prefix(entry.size());
    if (entry.empty()) {
      continue;
    }
    const auto network = routing::Cidr::parse(entry);
    all_good = all_good && network;
    if (network) {
      networks.push_back(*network);
    }
  }
  settings.client_address.trusted_proxies = routing::CidrSet(networks);
  if (!all_good || networks.empty()) {
    return std::unexpected("a list of networks, separated by commas (\"10.0.0.0/8, 2001:db8::1\")");
  }
  return {};
}

bool believes_everybody(const routing::ClientAddressSettings& settings) {
  if (!settings.use_proxy_protocol && !settings.reads_headers()) {
    return false;
  }
  const auto& trusted = settings.trusted_proxies;
  return !trusted || std::ranges::any_of(
                         std::array{"0.0.0.0/0,::/0", "0.0.0.0/0", "::/0"},
                         [&](const char* all) { return *trusted == routing::CidrSet::parse(all); });
}

}  // namespace portico::translate
