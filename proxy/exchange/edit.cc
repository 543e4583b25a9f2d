#include "proxy/exchange/edit.h"

#include <string>

namespace portico::exchange {
namespace {

using http::FieldId;

// Fields that this hop writes itself, or that must not pass it.
bool is_replaced_in_requests(FieldId id) {
  switch (id) {
    case FieldId::kHost:
    case FieldId::kContentLength:
    case FieldId::kExpect:
    case FieldId::kForwarded:  // RFC 7239: only a trusted hop may say it
    case FieldId::kProxy:      // CVE-2016-5385: becomes HTTP_PROXY in CGI backends
    case FieldId::kXForwardedFor:
    case FieldId::kXForwardedHost:
    case FieldId::kXForwardedPort:
    case FieldId::kXForwardedProto:
    case FieldId::kXForwardedScheme:
    case FieldId::kXOriginalForwardedFor:
    case FieldId::kXRealIp:
    case FieldId::kXRequestId:
    case FieldId::kXScheme:
      return true;
    default:
      return false;
  }
}

bool is_replaced_in_responses(FieldId id) {
  return id == FieldId::kContentLength || id == FieldId::kServer;
}

void write_received(const http::FieldBlock& fields, bool (*is_replaced)(FieldId),
                    WriteField write) {
  const http::HopByHop hop_by_hop(fields);
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const auto field = fields[i];
    if (!is_replaced(field.id) && !hop_by_hop.contains(field)) {
      write(field.name, field.value);
    }
  }
}

// Every X-Forwarded-For the client sent, as one list (RFC 9110 5.3); it is kept for the backend to
// look at, never believed.
void write_original_forwarded_for(const http::FieldBlock& fields, WriteField write) {
  const auto count = fields.count(FieldId::kXForwardedFor);
  if (count == 0) {
    return;
  }
  if (count == 1) {
    write("X-Original-Forwarded-For", *fields.find(FieldId::kXForwardedFor));
    return;
  }
  std::string all;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].id == FieldId::kXForwardedFor) {
      all.append(all.empty() ? "" : ", ").append(fields[i].value);
    }
  }
  write("X-Original-Forwarded-For", all);
}

}  // namespace

void OutgoingRequest::for_each_field(WriteField write) const {
  write("Host", authority);
  write("X-Request-ID", forwarded.request_id);
  write("X-Real-IP", forwarded.client_address);
  write("X-Forwarded-For", forwarded.client_address);
  write("X-Forwarded-Host", forwarded.host);
  write("X-Forwarded-Port", forwarded.port);
  write("X-Forwarded-Proto", forwarded.scheme);
  write("X-Forwarded-Scheme", forwarded.scheme);
  write("X-Scheme", forwarded.scheme);
  write_original_forwarded_for(*fields, write);
  write_received(*fields, is_replaced_in_requests, write);
}

void OutgoingResponse::for_each_field(WriteField write) const {
  const bool received_date = fields != nullptr && fields->count(FieldId::kDate) > 0;
  if (status >= 200) {
    write("Server", "portico");
    if (!received_date) {
      write("Date", date);
    }
  }
  if (!content_type.empty()) {
    write("Content-Type", content_type);
  }
  if (!location.empty()) {
    write("Location", location);
  }
  if (fields != nullptr) {
    write_received(*fields, is_replaced_in_responses, write);
  }
}

}  // namespace portico::exchange
