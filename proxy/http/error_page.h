// The bodies of answers that Portico gives by itself.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace portico::http {

struct ErrorPage {
  std::string_view content_type;
  std::string body;
};

// HTML, JSON or plain text, whichever `accept` (the Accept field's value; empty: none) ranks
// highest; HTML in doubt. Nothing of the request is repeated but `request_id`, which must be valid
// (is_valid_request_id) or empty. `message` is a sentence without markup; empty: the status's own.
ErrorPage error_page(std::uint16_t status, std::string_view accept, std::string_view request_id,
                     std::string_view message = {});

}  // namespace portico::http
