// Finds out what Ingresses should say, from what the flags name: by asking, each time it is told
// to.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/kube/api/client.h"
#include "controller/status/addresses.h"
#include "controller/status/call_log.h"
#include "controller/status/options.h"
#include "controller/translate/cluster_state.h"

namespace portico::status {

// Thread:    the loop's.
// Lifetime:  destroying it ends its calls. One find at a time; another one replaces it.
class AddressFinder {
 public:
  // Nothing where they can't be known now: whatever Ingresses say, they go on saying. An empty list
  // is an answer: a load balancer without addresses yet.
  using Found = std::move_only_function<void(std::optional<Addresses>)>;

  AddressFinder(kube::ApiClient& client, CallLog& log, const Options& options,
                const translate::ClusterState& state);

  // `found` is called once, perhaps from inside this call.
  void find(Found found);
  // Asks for the labels by which its own kind is known, unless they are known: they may be needed
  // when its pod is gone.
  void learn_own_pod();
  // Whether another pod of this program runs, one that isn't about to end. True where the API
  // server doesn't say; false outside of the cluster's pods, where nothing can be looked for.
  // Called once, perhaps from inside this call.
  void find_other_replica(std::move_only_function<void(bool)> found);
  void cancel();

 private:
  struct Pod {
    std::string name;
    std::string node;
    bool is_ready = false;   // running, and ready
    bool is_ending = false;  // deleted, or has ended
  };
  // Or why they are not known; kGone: this is no pod of the cluster.
  using Pods = std::move_only_function<void(std::expected<std::vector<Pod>, Verdict>)>;

  void get(const CallName& call, std::string target,
           std::move_only_function<void(const ApiResult&)> next);
  void look_at_service();
  void ask_own_pod(std::move_only_function<void(Verdict)> next);
  void list_pods(Pods next);
  void ask_next_node();
  void tell(std::optional<Addresses> addresses);

  kube::ApiClient& client_;
  CallLog& log_;
  const Options& options_;
  const translate::ClusterState& state_;  // has the Service that is published
  Found found_;
  std::unique_ptr<kube::ApiCall> call_;
  std::string selector_;  // of this program's pods; "" not known yet
  std::set<std::string> nodes_;
  Addresses of_nodes_;
  bool misses_service_ = false;  // and it was said
};

}  // namespace portico::status
