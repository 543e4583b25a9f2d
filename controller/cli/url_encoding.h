// Texts inside a URL's query (RFC 3986 2.1).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace portico::cli {

// All but unreserved characters as %XX.
std::string percent_encode(std::string_view text);

// Nothing where a '%' is not followed by two hexadecimal digits. '+' stays what it is.
std::optional<std::string> percent_decode(std::string_view text);

// The decoded value of `name` in "a=1&b=2"; nothing where it is absent or malformed.
std::optional<std::string> query_value(std::string_view query, std::string_view name);

}  // namespace portico::cli
