// What the command line and the pod's environment say about status, leader election and events.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace portico::status {

struct ElectionOptions {
  bool disabled = false;  // --disable-leader-election: this replica always leads
  std::string lease_name = "portico-leader";  // --election-id; the chart: <fullname>-leader
  // --election-ttl: how long a leader may be silent before another takes over. Others notice its
  // end within this and a fifth more; it renews every fifth, and stops leading after two thirds.
  std::chrono::milliseconds ttl{10'000};
};

struct Options {
  // Where the addresses come from; the first of them that is given. Neither: the nodes that run
  // this program's pods.
  std::vector<std::string> publish_status_addresses;  // --publish-status-address, split at commas
  std::string publish_service;                        // --publish-service, "namespace/name"

  bool report_node_internal_ip = false;  // --report-node-internal-ip-address
  bool update_status = true;             // --update-status
  bool update_on_shutdown = true;        // --update-status-on-shutdown
  ElectionOptions election;

  // --watch-namespace: Events are written there only, for a right to write them is not to be had
  // elsewhere; "" wherever their objects are.
  std::string watch_namespace;

  std::string namespace_;  // of the Lease and of this program's pods
  std::string pod;         // this one's name; "" outside of a cluster
  std::string identity;    // names this replica in the Lease and in Events; never twice
};

// Fills namespace_, pod and identity, where they are empty, from POD_NAMESPACE, POD_NAME, the
// account's files and the host's name.
void read_environment(Options& options);

// --publish-status-address: split at commas, spaces dropped, empty ones left out.
std::vector<std::string> split_addresses(const std::string& flag);

}  // namespace portico::status
