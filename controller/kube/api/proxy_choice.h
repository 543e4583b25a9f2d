// Which proxy the environment asks for, by the rules of Go's net/http, which client-go follows.
#pragma once

#include <string>
#include <string_view>

#include "controller/kube/api/connect.h"
#include "controller/kube/api/server_url.h"

namespace portico::kube {

// The value of HTTPS_PROXY (HTTP_PROXY for a plain server), lower-case names too, or "" where there
// is none, where the server is on this host, or where NO_PROXY names it. A proxy without a scheme
// is an http one.
std::string choose_proxy(const ServerUrl& server, const Environment& environment);

// NO_PROXY's list: names with their subdomains (".example.com": those alone; "*.example.com" too),
// addresses, networks as "10.0.0.0/8", "*", each perhaps with a port.
bool is_proxy_excluded(const ServerUrl& server, std::string_view no_proxy);

}  // namespace portico::kube
