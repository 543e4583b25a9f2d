// Field lines into a FieldBlock, by Beast's tokeniser.
#pragma once

#include <cstdint>
#include <expected>
#include <string_view>

#include "proxy/http/h1_decoder.h"
#include "proxy/http/message.h"

namespace portico::http {

enum class FieldSource : std::uint8_t {
  kRequest,  // names with '_' are left out: CGI-like backends take them for the name with '-'
  kRequestTrailer,  // and forbidden trailers too
  kResponse,
  kResponseTrailer,  // forbidden trailers are left out
};

// Reads `section`: whole field lines and the empty line behind them, in which LineScanner found no
// fault and in which no line begins with a space (no obs-fold). Adds what it finds to `fields`.
//
// Errors: a name that is empty or no token (so also a space before the colon), and the framing
// values that Beast
//         refuses by itself; what it lets pass is judged by rules.h.
std::expected<void, ParseError> read_fields(std::string_view section, FieldSource source,
                                            FieldBlock& fields);

}  // namespace portico::http
