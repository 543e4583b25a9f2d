// Asks a running Portico something on its admin address.
#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace portico::cli {

struct AdminAnswer {
  int status = 0;
  std::string body;
};

// `admin` is "http://HOST[:PORT]" or "HOST[:PORT]"; the port is 10254 where none is given. Blocks,
// ten seconds at most for each step.
// Errors:    one line for the user.
std::expected<AdminAnswer, std::string> get_from_admin(std::string_view admin,
                                                       std::string_view target);

}  // namespace portico::cli
