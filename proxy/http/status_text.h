// The phrases of the IANA registry of HTTP status codes.
#pragma once

#include <cstdint>
#include <string_view>

namespace portico::http {

// Empty for a status that is not registered.
std::string_view status_text(std::uint16_t status);

}  // namespace portico::http
