// What the flags of `portico serve` say.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "controller/translate/options.h"
#include "proxy/net/socket_address.h"
#include "proxy/server/server.h"

namespace portico::cli {

struct ServeOptions {
  std::string manifests;  // a file or a folder
  net::SocketAddress admin;
  server::ServerSetup server;
  translate::Options translate;
  std::chrono::seconds shutdown_grace_period{0};
  std::chrono::seconds worker_shutdown_timeout{240};
};

}  // namespace portico::cli
