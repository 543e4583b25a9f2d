// A request as the echo backend received it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "e2e/echo/stream.h"

namespace portico::echo {

struct Request {
  std::string method;
  std::string target;
  std::string protocol;
  std::vector<std::pair<std::string, std::string>> fields;  // as received

  // The first field of that name, in any case; empty if there is none.
  [[nodiscard]] std::string_view field(std::string_view name) const;
  [[nodiscard]] std::string_view path() const;  // the target up to its query
  // `name=value` of the query; "1" where it stands without a value.
  [[nodiscard]] std::optional<std::string> option(std::string_view name) const;
  [[nodiscard]] std::uint64_t number(std::string_view name, std::uint64_t otherwise) const;
};

bool equals_ignoring_case(std::string_view a, std::string_view b);

// Nothing at the end of the stream, or where it is no HTTP.
std::optional<Request> read_request_head(Stream& stream);

// Reads the body that the head announces, piece by piece, trailers dropped; false if it is cut or
// no HTTP.
using TakeBody = std::function<void(std::string_view)>;
bool read_body(Stream& stream, const Request& request, const TakeBody& take);

}  // namespace portico::echo
