// Whether an answer's body is coded for this client, and how (RFC 9110 8.4, 12.5.3).
#pragma once

#include <string>
#include <string_view>

#include "proxy/http/compressor.h"
#include "proxy/http/message.h"
#include "routing/compression_settings.h"

namespace portico::exchange {

struct CompressionChoice {
  http::ContentCoding coding = http::ContentCoding::kIdentity;
  int level = 0;
  bool varies = false;  // another client would get another coding: caches must know

  bool operator==(const CompressionChoice&) const = default;
};

// Codings that the settings and the answer allow are weighed by the client's q-values; between
// equal ones the order is Zstandard, Brotli, gzip. Never twice, never a part of a body, never where
// either side said no-transform, never what is packed already.
//
// An answer to HEAD is judged as the one to GET would be.
CompressionChoice choose_compression(const routing::CompressionSettings& settings,
                                     const http::RequestHead& request,
                                     const http::ResponseHead& response);

// The backend's ETag made a weak one, since the coded bytes are others; empty where there is none.
std::string weak_etag(const http::FieldBlock& fields);

// Fields that speak of the bytes that were not sent: a coded answer does not have them.
bool is_of_plain_body(std::string_view name);

// The answer says already that it depends on Accept-Encoding, or on everything.
bool varies_by_encoding(const http::FieldBlock& fields);

}  // namespace portico::exchange
