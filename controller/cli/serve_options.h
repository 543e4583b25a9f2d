// What the flags of `portico serve` say.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "controller/kube/api/connect.h"
#include "controller/kube/cluster/cluster_source.h"
#include "controller/status/options.h"
#include "controller/translate/options.h"
#include "proxy/net/socket_address.h"
#include "proxy/server/server.h"

namespace portico::cli {

struct ServeOptions {
  std::string manifests;  // a file or a folder; "" the cluster
  kube::AccessOptions access;
  kube::ClusterScope scope;
  status::Options status;
  net::SocketAddress admin;
  server::ServerSetup server;
  translate::Options translate;
  std::chrono::seconds shutdown_grace_period{0};
  std::chrono::seconds worker_shutdown_timeout{240};
};

}  // namespace portico::cli
