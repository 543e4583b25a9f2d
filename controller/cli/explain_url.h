// The URL that `portico explain` is asked about, as a request for it would be matched.
#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace portico::cli {

struct ExplainUrl {
  bool is_https = false;
  std::string host;      // lower-case, without port: what rules are compared with
  std::string target;    // path and query as a client sends them
  std::string matched;   // the path in normal form
  std::string upstream;  // what the backend gets

  // `http://host[:port]/path?query`; https too. The error is a phrase: "it names no host".
  static std::expected<ExplainUrl, std::string> parse(std::string_view url);
};

}  // namespace portico::cli
