// Content codings undone by their libraries, strictly: the oracle of compressor_test.cc.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proxy/http/compressor.h"

namespace portico::http::testing {

// What the start of a coded body decodes to; `whole`, if given, tells whether it is a whole body.
// Nothing where the bytes are wrong, or go on behind the end.
std::optional<std::string> decode_content(ContentCoding coding, std::string_view coded,
                                          bool* whole = nullptr);

}  // namespace portico::http::testing
