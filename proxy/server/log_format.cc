#include "proxy/server/log_format.h"

#include <iterator>
#include <string_view>

#include <fmt/chrono.h>
#include <fmt/compile.h>
#include <fmt/format.h>

#include "proxy/exchange/grpc_status.h"

namespace portico::server {
namespace {

using exchange::Record;

std::tm utc(std::chrono::system_clock::time_point now) {
  return fmt::gmtime(std::chrono::system_clock::to_time_t(now));
}

double seconds(std::chrono::steady_clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

std::string_view or_dash(std::string_view text) {
  return text.empty() ? "-" : text;
}

// nginx's own escaping of variables in logs.
void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7f || c == '"' || c == '\\') {
      fmt::format_to(std::back_inserter(out), FMT_COMPILE("\\x{:02X}"), byte);
    } else {
      out.push_back(c);
    }
  }
}

void append_json_string(std::string& out, std::string_view name, std::string_view value) {
  fmt::format_to(std::back_inserter(out), FMT_COMPILE(",\"{}\":\""), name);
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7f) {
      fmt::format_to(std::back_inserter(out), FMT_COMPILE("\\u{:04x}"), byte);
      continue;
    }
    if (c == '"' || c == '\\') {
      out.push_back('\\');
    }
    out.push_back(c);
  }
  out.push_back('"');
}

struct Names {
  std::string_view namespace_, ingress, backend;
};

Names names_of(const Record& record) {
  if (record.route == nullptr) {
    return {};
  }
  const auto& spec = *record.route->spec;
  return {.namespace_ = spec.origin.namespace_,
          .ingress = spec.origin.name,
          .backend = routing::BackendSpec::name_of(spec.backend)};
}

// "namespace/service:port" as ingress-nginx names its upstreams: "namespace-service-port".
void append_upstream_name(std::string& out, std::string_view backend) {
  for (const char c : backend) {
    out.push_back(c == '/' || c == ':' ? '-' : c);
  }
}

}  // namespace

void append_json_line(std::string& out, const Record& record,
                      std::chrono::system_clock::time_point now) {
  const auto into = std::back_inserter(out);
  net::SocketAddress::TextBuffer text;
  fmt::format_to(into, FMT_COMPILE("{{\"time\":\"{:%Y-%m-%dT%H:%M:%S}Z\",\"status\":{}"), utc(now),
                 record.status);
  append_json_string(out, "client", record.client.format_ip(text));
  append_json_string(out, "method", record.method);
  append_json_string(out, "scheme", record.scheme);
  append_json_string(out, "host", record.host);
  append_json_string(out, "target", record.target);
  fmt::format_to(
      into,
      FMT_COMPILE(",\"protocol\":\"HTTP/{}.{}\",\"request_bytes\":{},\"response_bytes\":{},"
                  "\"duration_seconds\":{:.6f},\"attempts\":{}"),
      record.version_major, record.version_minor, record.request_bytes, record.response_bytes,
      seconds(record.duration), record.attempts);
  const auto names = names_of(record);
  append_json_string(out, "namespace", names.namespace_);
  append_json_string(out, "ingress", names.ingress);
  append_json_string(out, "backend", names.backend);
  if (record.endpoint != nullptr) {
    append_json_string(out, "endpoint", record.endpoint->format(text));
    fmt::format_to(into, FMT_COMPILE(",\"upstream_status\":{},\"upstream_seconds\":{:.6f}"),
                   record.upstream_status, seconds(record.upstream_duration));
  }
  append_json_string(out, "user_agent", record.user_agent);
  append_json_string(out, "referer", record.referer);
  append_json_string(out, "request_id", record.request_id);
  if (record.meant_status != 0) {
    fmt::format_to(into, FMT_COMPILE(",\"grpc_status\":{}"),
                   exchange::grpc_status_of(record.meant_status));
  }
  if (!record.reason.empty()) {
    append_json_string(out, "reason", record.reason);
  }
  out.append("}\n");
}

void append_nginx_line(std::string& out, const Record& record,
                       std::chrono::system_clock::time_point now) {
  const auto into = std::back_inserter(out);
  net::SocketAddress::TextBuffer text;
  fmt::format_to(into, FMT_COMPILE("{} - - [{:%d/%b/%Y:%H:%M:%S} +0000] \""),
                 record.client.format_ip(text), utc(now));
  if (!record.method.empty()) {
    append_escaped(out, record.method);
    out.push_back(' ');
    append_escaped(out, record.target);
    fmt::format_to(into, FMT_COMPILE(" HTTP/{}.{}"), record.version_major, record.version_minor);
  }
  // It has no place for more than one status: that of an error is worth more than its 200.
  fmt::format_to(into, FMT_COMPILE("\" {} {} \""),
                 record.meant_status != 0 ? record.meant_status : record.status,
                 record.response_bytes);
  append_escaped(out, or_dash(record.referer));
  out.append("\" \"");
  append_escaped(out, or_dash(record.user_agent));
  fmt::format_to(into, FMT_COMPILE("\" {} {:.3f} ["),
                 record.request_head_bytes + record.request_bytes, seconds(record.duration));
  append_upstream_name(out, names_of(record).backend);
  out.append("] [] ");
  if (record.endpoint == nullptr) {
    out.append("- - - - ");
  } else if (record.upstream_status == 0) {
    fmt::format_to(into, FMT_COMPILE("{} 0 {:.3f} - "), record.endpoint->format(text),
                   seconds(record.upstream_duration));
  } else {
    fmt::format_to(into, FMT_COMPILE("{} {} {:.3f} {} "), record.endpoint->format(text),
                   record.response_bytes, seconds(record.upstream_duration),
                   record.upstream_status);
  }
  append_escaped(out, record.request_id);
  out.push_back('\n');
}

}  // namespace portico::server
