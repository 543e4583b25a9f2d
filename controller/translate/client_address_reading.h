// The ConfigMap's keys on clients' addresses and on proxies in front.
#pragma once

#include <chrono>
#include <expected>
#include <string_view>

#include "controller/translate/annotation_values.h"
#include "routing/policy.h"
#include "routing/settings.h"

namespace portico::translate {

// As nginx and Go write durations of one unit: "600", "600s", "10m", "1h", "500ms".
std::expected<std::chrono::milliseconds, std::string_view> read_duration(std::string_view text);

// "off", "v1" or "v2".
std::expected<routing::BackendProxyProtocol, std::string_view> read_backend_proxy_protocol(
    std::string_view text);

// The name of a header.
std::expected<std::string, std::string_view> read_header_name(std::string_view text);

// Those that can be read are believed, whatever else stands in the list.
std::expected<void, std::string_view> read_trusted_proxies(std::string_view value,
                                                           routing::Settings& settings);

// Anybody who reaches Portico may say who he is, by IPv4 or IPv6.
bool believes_everybody(const routing::ClientAddressSettings& settings);

template <auto Field, auto Read>
std::expected<void, std::string_view> read_client_address(std::string_view value,
                                                          routing::Settings& settings) {
  auto parsed = Read(value);
  if (!parsed) {
    return std::unexpected(parsed.error());
  }
  settings.client_address.*Field = std::move(*parsed);
  return {};
}

}  // namespace portico::translate
