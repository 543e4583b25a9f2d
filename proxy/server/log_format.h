// One exchange as one line of the access log.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "proxy/exchange/record.h"

namespace portico::server {

enum class LogFormat : std::uint8_t { kOff, kJson, kNginx };

// Appends one line, newline included. Bytes that could break a line or a JSON string are escaped.
void append_json_line(std::string& out, const exchange::Record& record,
                      std::chrono::system_clock::time_point now);
// ingress-nginx's log-format-upstream.
void append_nginx_line(std::string& out, const exchange::Record& record,
                       std::chrono::system_clock::time_point now);

}  // namespace portico::server
