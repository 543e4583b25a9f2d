// Heads on their way out: what was received, with what this hop changes. Both protocols write the
// same fields: HTTP/1 into a HeadWriter, others one by one.
#pragma once

#include <cstdint>
#include <string_view>

#include <absl/functional/function_ref.h>

#include "proxy/http/h1_encoder.h"
#include "proxy/http/message.h"
#include "tls/client_certificate.h"

namespace portico::exchange {

using WriteField = absl::FunctionRef<void(std::string_view name, std::string_view value)>;

// What a request carries about its client (as ingress-nginx sets it).
struct ForwardedFacts {
  std::string_view client_address;  // without port
  std::string_view forwarded_for;   // X-Forwarded-For; empty: the client's address
  std::string_view for_header;      // that named the client, where not X-Forwarded-For
  std::string_view rfc7239;         // Forwarded; empty: not sent
  std::string_view host;            // as received, with port if there was one
  std::string_view port;            // the public port
  std::string_view scheme;          // "http" or "https"
  std::string_view request_id;
  // Of hosts that ask for certificates (as ingress-nginx sends it).
  enum class ClientCertificate : std::uint8_t { kUnasked, kFacts, kFactsAndPem };
  ClientCertificate tell_certificate = ClientCertificate::kUnasked;
  const tls::ClientCertificate* client_certificate = nullptr;  // null: none was seen
};

// A request for a backend. Views live until the exchange ends.
struct OutgoingRequest {
  http::Method method = http::Method::kGet;
  std::string_view method_text;
  std::string_view target;
  std::string_view authority;
  http::Framing framing = http::Framing::kNone;
  std::uint64_t content_length = 0;
  std::string_view upgrade;                  // protocol asked for; empty: none
  bool accepts_trailers = false;             // TE: trailers
  const http::FieldBlock* fields = nullptr;  // as received, hop-by-hop ones too
  ForwardedFacts forwarded;
  // Made here: it speaks for no client, so nothing is forwarded, and is its connection's last.
  bool own = false;

  // Every field but those of framing and connection, which belong to the encoder.
  void write_fields(http::HeadWriter& head) const;
  void for_each_field(WriteField write) const;  // the same, by calls
};

// An answer for a client.
struct OutgoingResponse {
  std::uint16_t status = 200;
  std::string_view reason;  // empty: the standard phrase
  http::Framing framing = http::Framing::kNone;
  std::uint64_t content_length = 0;
  std::string_view upgrade;  // of a 101
  bool to_head = false;      // the request was HEAD: framing is described, no body follows
  const http::FieldBlock* fields = nullptr;  // null: none
  std::string_view content_type;             // of own answers; empty: none
  std::string_view location;                 // of own redirects
  std::string_view retry_after;              // seconds; of own 503s that are worth a retry
  std::string_view overloaded;               // X-Portico-Overloaded of own answers; empty: none
  std::string_view grpc_status;              // of own answers to gRPC clients; empty: none
  std::string_view grpc_message;
  std::string_view date;                       // set where the backend sent none
  std::string_view strict_transport_security;  // instead of the backend's; empty: its own stays
  bool own = false;                            // made here: Server and Date are ours
  std::string_view set_cookie;                 // of ours, beside the backend's; empty: none
  std::string_view content_encoding;           // the coding that this hop put on; empty: none
  bool varies_by_encoding = false;             // by Accept-Encoding: said, unless the backend did

  void write_fields(http::HeadWriter& head) const;
  void for_each_field(WriteField write) const;  // the same, by calls
};

}  // namespace portico::exchange
