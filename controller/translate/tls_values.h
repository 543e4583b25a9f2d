// The ConfigMap's keys, and the annotations, about the versions, ciphers and sessions of clients'
// TLS. Each reads one value, or says what it must be: a phrase that ends the sentence `"x" is not
// …`.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/kube/objects.h"
#include "controller/translate/host_tls_reading.h"
#include "routing/settings.h"

namespace portico::translate {

using ReadResult = std::expected<void, std::string_view>;

// Older versions than 1.2 are never served; what else the value names is.
ReadResult read_protocols(std::string_view value, routing::Settings& settings);
ReadResult read_ciphers(std::string_view value, routing::Settings& settings);
ReadResult read_groups(std::string_view value, routing::Settings& settings);
ReadResult read_reject_handshake(std::string_view value, routing::Settings& settings);
ReadResult read_session_tickets(std::string_view value, routing::Settings& settings);
ReadResult read_session_timeout(std::string_view value, routing::Settings& settings);
ReadResult read_session_ticket_key(std::string_view value, routing::Settings& settings);
ReadResult read_ocsp(std::string_view value, routing::Settings& settings);

ReadResult read_host_ciphers(std::string_view value, HostTlsReading& reading);
ReadResult read_prefer_server_ciphers(std::string_view value, HostTlsReading& reading);

// The keys of --tls-ticket-keys-secret: its entries by name, each one key, as 80 bytes or as their
// base64. Errors: one sentence; no key is used then.
std::expected<std::vector<std::string>, std::string> read_ticket_keys(const kube::Secret& secret);

}  // namespace portico::translate
