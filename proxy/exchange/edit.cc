#include "proxy/exchange/edit.h"

#include <algorithm>
#include <array>
#include <string>

#include "proxy/exchange/compression_choice.h"
#include "proxy/http/chars.h"

namespace portico::exchange {
namespace {

using http::FieldId;

// What only a proxy in front may say, and none is trusted; names without an id of their own.
bool is_proxys_claim(std::string_view name) {
  static constexpr std::array<std::string_view, 3> kPrefixes{"x-forwarded-", "x-original-",
                                                             "ssl-client-"};
  return http::equals_no_case(name, "x-rewrite-url") ||
         std::ranges::any_of(kPrefixes, [name](std::string_view prefix) {
           return http::starts_with_no_case(name, prefix);
         });
}

// Fields that this hop writes itself, or that must not pass it.
bool is_replaced_in_requests(const http::Field& field) {
  static constexpr http::FieldSet kIds{
      FieldId::kHost,
      FieldId::kContentLength,
      FieldId::kExpect,
      FieldId::kForwarded,  // RFC 7239: only a trusted hop may say it
      FieldId::kProxy,      // CVE-2016-5385: becomes HTTP_PROXY in CGI backends
      FieldId::kXForwardedFor,
      FieldId::kXForwardedHost,
      FieldId::kXForwardedPort,
      FieldId::kXForwardedProto,
      FieldId::kXForwardedScheme,
      FieldId::kXOriginalForwardedFor,
      FieldId::kXRealIp,
      FieldId::kXRequestId,
      FieldId::kXScheme,
  };
  if (field.id != FieldId::kOther) {
    return kIds.contains(field.id);
  }
  const int first = field.name.front() | 0x20;  // of either case; nearly all end here
  return (first == 'x' || first == 's') && is_proxys_claim(field.name);
}

bool is_replaced(const http::Field& field, const OutgoingResponse& response) {
  static constexpr http::FieldSet kIds{FieldId::kContentLength, FieldId::kServer};
  return kIds.contains(field.id) || (field.id == FieldId::kStrictTransportSecurity &&
                                     !response.strict_transport_security.empty());
}

// What HeadWriter does, by calls.
class EachField {
 public:
  explicit EachField(WriteField write) : write_(write) {}
  void field(std::string_view name, std::string_view value) { write_(name, value); }
  template <typename IsReplaced>
  void received_fields(const http::FieldBlock& fields, IsReplaced is_replaced) {
    const http::HopByHop hop_by_hop(fields);
    for (std::size_t i = 0; i < fields.size(); ++i) {
      const auto received = fields[i];
      if (!is_replaced(received) && !hop_by_hop.contains(received)) {
        write_(received.name, received.value);
      }
    }
  }

 private:
  WriteField write_;
};

// What named the client to us, where it is another header (CF-Connecting-IP, say).
template <typename Head>
void write_original(const http::FieldBlock& fields, std::string_view name, Head& head) {
  std::string all;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (http::equals_no_case(fields[i].name, name)) {
      all.append(all.empty() ? "" : ", ").append(fields[i].value);
    }
  }
  if (!all.empty()) {
    head.field("X-Original-Forwarded-For", all);
  }
}

// Every X-Forwarded-For the client sent, as one list (RFC 9110 5.3); it is kept for the backend to
// look at, never believed.
template <typename Head>
void write_original_forwarded_for(const http::FieldBlock& fields, Head& head) {
  const auto count = fields.count(FieldId::kXForwardedFor);
  if (count == 0) {
    return;
  }
  if (count == 1) {
    head.field("X-Original-Forwarded-For", *fields.find(FieldId::kXForwardedFor));
    return;
  }
  std::string all;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].id == FieldId::kXForwardedFor) {
      all.append(all.empty() ? "" : ", ").append(fields[i].value);
    }
  }
  head.field("X-Original-Forwarded-For", all);
}

template <typename Head>
void write_client_certificate(const ForwardedFacts& forwarded, Head& head) {
  const auto* certificate = forwarded.client_certificate;
  if (certificate == nullptr) {
    head.field("ssl-client-verify", "NONE");
    return;
  }
  head.field("ssl-client-verify", certificate->verdict());
  if (certificate->result() == tls::ClientCertificate::Result::kNone) {
    return;
  }
  head.field("ssl-client-subject-dn", certificate->subject());
  head.field("ssl-client-issuer-dn", certificate->issuer());
  if (forwarded.tell_certificate == ForwardedFacts::ClientCertificate::kFactsAndPem) {
    head.field("ssl-client-cert", certificate->escaped_pem());
  }
}

template <typename Head>
void write_own(const OutgoingRequest& request, Head& head) {
  head.field("Host", request.authority);
  head.received_fields(*request.fields, [](const http::Field&) { return false; });
}

template <typename Head>
void write(const OutgoingRequest& request, Head& head) {
  const ForwardedFacts& forwarded = request.forwarded;
  head.field("Host", request.authority);
  head.field("X-Request-ID", forwarded.request_id);
  head.field("X-Real-IP", forwarded.client_address);
  head.field("X-Forwarded-For",
             forwarded.forwarded_for.empty() ? forwarded.client_address : forwarded.forwarded_for);
  head.field("X-Forwarded-Host", forwarded.host);
  head.field("X-Forwarded-Port", forwarded.port);
  head.field("X-Forwarded-Proto", forwarded.scheme);
  head.field("X-Forwarded-Scheme", forwarded.scheme);
  head.field("X-Scheme", forwarded.scheme);
  if (forwarded.tell_certificate != ForwardedFacts::ClientCertificate::kUnasked) {
    write_client_certificate(forwarded, head);
  }
  if (!forwarded.rfc7239.empty()) {
    head.field("Forwarded", forwarded.rfc7239);
  }
  if (forwarded.for_header.empty()) {
    write_original_forwarded_for(*request.fields, head);
  } else {
    write_original(*request.fields, forwarded.for_header, head);
  }
  head.received_fields(*request.fields,
                       [](const http::Field& field) { return is_replaced_in_requests(field); });
}

// What the body's coding changes beside its bytes (RFC 9110 8.8.3.3, 12.5.5).
template <typename Head>
void write_coding(const OutgoingResponse& response, Head& head) {
  if (!response.content_encoding.empty()) {
    head.field("Content-Encoding", response.content_encoding);
    if (const auto etag = weak_etag(*response.fields); !etag.empty()) {
      head.field("ETag", etag);
    }
  }
  if (!varies_by_encoding(*response.fields)) {
    head.field("Vary", "Accept-Encoding");
  }
}

template <typename Head>
void write(const OutgoingResponse& response, Head& head) {
  const auto* const fields = response.fields;
  if (response.status >= 200) {
    head.field("Server", "portico");
    if (fields == nullptr || fields->count(FieldId::kDate) == 0) {
      head.field("Date", response.date);
    }
    if (!response.strict_transport_security.empty()) {
      head.field("Strict-Transport-Security", response.strict_transport_security);
    }
  }
  if (!response.set_cookie.empty()) {
    head.field("Set-Cookie", response.set_cookie);
  }
  if (!response.content_type.empty()) {
    head.field("Content-Type", response.content_type);
  }
  if (!response.retry_after.empty()) {
    head.field("Retry-After", response.retry_after);
  }
  if (!response.overloaded.empty()) {
    head.field("X-Portico-Overloaded", response.overloaded);
  }
  if (!response.grpc_status.empty()) {
    head.field("grpc-status", response.grpc_status);
    head.field("grpc-message", response.grpc_message);
  }
  if (!response.location.empty()) {
    head.field("Location", response.location);
  }
  if (response.varies_by_encoding) {
    write_coding(response, head);
  }
  if (fields != nullptr) {
    const bool coded = !response.content_encoding.empty();
    head.received_fields(*fields, [&response, coded](const http::Field& field) {
      return is_replaced(field, response) || (coded && is_of_plain_body(field.name));
    });
  }
}

}  // namespace

void OutgoingRequest::write_fields(http::HeadWriter& head) const {
  if (own) {
    write_own(*this, head);
    head.field("Connection", "close");
    return;
  }
  write(*this, head);
}

void OutgoingRequest::for_each_field(WriteField write_field) const {
  EachField each(write_field);
  own ? write_own(*this, each) : write(*this, each);
}

void OutgoingResponse::write_fields(http::HeadWriter& head) const {
  write(*this, head);
}

void OutgoingResponse::for_each_field(WriteField write_field) const {
  EachField each(write_field);
  write(*this, each);
}

}  // namespace portico::exchange
