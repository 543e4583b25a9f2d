#include "controller/cli/explain_url.h"

#include <algorithm>

#include "routing/hostname.h"
#include "routing/path.h"

namespace portico::cli {

std::expected<ExplainUrl, std::string> ExplainUrl::parse(std::string_view url) {
  ExplainUrl parsed;
  if (url.starts_with("https://")) {
    parsed.is_https = true;
    url.remove_prefix(8);
  } else if (url.starts_with("http://")) {
    url.remove_prefix(7);
  } else {
    return std::unexpected("it begins with neither http:// nor https://");
  }
  url = url.substr(0, url.find('#'));  // a fragment is never sent
  const auto authority = url.substr(0, url.find_first_of("/?"));
  if (authority.empty()) {
    return std::unexpected("it names no host");
  }
  if (authority.find('@') != std::string_view::npos) {
    return std::unexpected("it holds a user name");
  }
  routing::HostBuffer buffer;
  const auto host = routing::request_host(authority, buffer);
  if (!host) {
    return std::unexpected("its host is malformed: " + std::string(host.error()));
  }
  parsed.host = *host;
  parsed.target = url.substr(authority.size());
  if (!parsed.target.starts_with('/')) {
    parsed.target.insert(0, 1, '/');
  }
  routing::NormalTarget target;
  if (const auto done = target.parse(parsed.target); !done) {
    return std::unexpected("such a request is refused with 400: " +
                           std::string(routing::to_string(done.error())));
  }
  parsed.matched = target.path();
  parsed.upstream = target.upstream();
  return parsed;
}

}  // namespace portico::cli
