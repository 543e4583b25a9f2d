#include "controller/status/address_finder.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "controller/status/json.h"

namespace portico::status {
namespace {

// They differ between the pods of one Deployment or DaemonSet while it is rolled out or upgraded.
constexpr std::array<std::string_view, 5> kLabelsOfOneRevision = {
    "pod-template-hash", "controller-revision-hash", "pod-template-generation", "helm.sh/chart",
    "app.kubernetes.io/version"};

// "a=b,c=d", percent-encoded.
std::string selector_of(const boost::json::value& labels) {
  std::string selector;
  const auto* map = labels.if_object();
  if (map == nullptr) {
    return selector;
  }
  for (const auto& [key, value] : *map) {
    const std::string name(key.data(), key.size());
    if (std::ranges::count(kLabelsOfOneRevision, name) == 0) {
      selector += selector.empty() ? "" : "%2C";
      selector += name + "%3D" + text(value);
    }
  }
  // The only reserved character that labels may have.
  for (auto at = selector.find('/'); at != std::string::npos; at = selector.find('/', at)) {
    selector.replace(at, 1, "%2F");
  }
  return selector;
}

bool is_ready(const boost::json::value& pod) {
  if (text(member(pod, "status", "phase")) != "Running") {
    return false;
  }
  return std::ranges::any_of(items(member(pod, "status", "conditions")), [](const auto& condition) {
    return text(member(condition, "type")) == "Ready" &&
           text(member(condition, "status")) == "True";
  });
}

bool is_ending(const boost::json::value& pod) {
  const auto phase = text(member(pod, "status", "phase"));
  return !member(pod, "metadata", "deletionTimestamp").is_null() || phase == "Succeeded" ||
         phase == "Failed";
}

// External addresses first, unless the flag wants internal ones; "" where there is none.
std::string address_of(const boost::json::value& node, bool wants_internal) {
  const auto of_type = [&](std::string_view type) {
    for (const auto& entry : items(member(node, "status", "addresses"))) {
      if (auto address = text(member(entry, "address"));
          !address.empty() && text(member(entry, "type")) == type) {
        return address;
      }
    }
    return std::string();
  };
  auto external = wants_internal ? std::string() : of_type("ExternalIP");
  return external.empty() ? of_type("InternalIP") : external;
}

}  // namespace

AddressFinder::AddressFinder(kube::ApiClient& client, CallLog& log, const Options& options,
                             const translate::ClusterState& state)
    : client_(client), log_(log), options_(options), state_(state) {}

void AddressFinder::cancel() {
  call_.reset();
  found_ = nullptr;
}

void AddressFinder::tell(std::optional<Addresses> addresses) {
  if (found_ != nullptr) {
    std::exchange(found_, nullptr)(std::move(addresses));
  }
}

void AddressFinder::get(const CallName& call, std::string target,
                        std::move_only_function<void(const ApiResult&)> next) {
  call_ = client_.call({.target = std::move(target)},
                       [this, call, next = std::move(next)](ApiResult result) mutable {
                         const auto ended = std::move(call_);
                         auto then = std::move(next);  // the handler goes with its call
                         log_.tell_missing_too(call, result);
                         then(result);
                       });
}

void AddressFinder::find(Found found) {
  cancel();
  found_ = std::move(found);
  if (!options_.publish_status_addresses.empty()) {
    Addresses addresses;
    for (const auto& address : options_.publish_status_addresses) {
      addresses.push_back(parse_address(address));
    }
    tell(normalized(std::move(addresses)));
  } else if (!options_.publish_service.empty()) {
    look_at_service();
  } else {
    list_pods([this](std::expected<std::vector<Pod>, Verdict> pods) {
      if (!pods) {
        tell(std::nullopt);
        return;
      }
      nodes_.clear();
      of_nodes_.clear();
      for (auto& pod : *pods) {
        if (pod.is_ready && !pod.node.empty()) {
          nodes_.insert(std::move(pod.node));
        }
      }
      ask_next_node();
    });
  }
}

void AddressFinder::look_at_service() {
  const auto service = state_.service(options_.publish_service);
  if (std::exchange(misses_service_, service == nullptr) != (service == nullptr)) {
    if (service == nullptr) {
      spdlog::warn("--publish-service: there is no Service {}: statuses stay as they are",
                   options_.publish_service);
    } else {
      spdlog::info("--publish-service: Service {} is there now", options_.publish_service);
    }
  }
  tell(service == nullptr ? std::nullopt : std::optional(service_addresses(*service)));
}

// Its labels say which pods are this program's; they are asked for until they are known.
void AddressFinder::ask_own_pod(std::move_only_function<void(Verdict)> next) {
  if (!selector_.empty() || options_.pod.empty()) {
    next(selector_.empty() ? Verdict::kGone : Verdict::kDone);
    return;
  }
  get({"get", "pods", options_.namespace_},
      fmt::format("/api/v1/namespaces/{}/pods/{}", options_.namespace_, options_.pod),
      [this, next = std::move(next)](const ApiResult& result) mutable {
        auto verdict = judge(result);
        if (verdict == Verdict::kDone) {
          selector_ = selector_of(member(parse_json(result->body), "metadata", "labels"));
          verdict = selector_.empty() ? Verdict::kInvalid : Verdict::kDone;
        }
        next(verdict);
      });
}

void AddressFinder::learn_own_pod() {
  if (call_ == nullptr) {
    ask_own_pod([](Verdict) {});
  }
}

void AddressFinder::list_pods(Pods next) {
  ask_own_pod([this, next = std::move(next)](Verdict known) mutable {
    if (known != Verdict::kDone) {
      next(std::unexpected(known));
      return;
    }
    get({"list", "pods", options_.namespace_},
        fmt::format("/api/v1/namespaces/{}/pods?labelSelector={}", options_.namespace_, selector_),
        [next = std::move(next)](const ApiResult& result) mutable {
          if (judge(result) != Verdict::kDone) {
            next(std::unexpected(Verdict::kLater));
            return;
          }
          const auto list = parse_json(result->body);
          std::vector<Pod> pods;
          for (const auto& pod : items(member(list, "items"))) {
            pods.push_back({.name = text(member(pod, "metadata", "name")),
                            .node = text(member(pod, "spec", "nodeName")),
                            .is_ready = is_ready(pod),
                            .is_ending = is_ending(pod)});
          }
          next(std::move(pods));
        });
  });
}

void AddressFinder::ask_next_node() {
  if (nodes_.empty()) {
    // Before the first pod is ready there is none: no reason to take away what Ingresses say.
    auto addresses = normalized(std::exchange(of_nodes_, {}));
    tell(addresses.empty() ? std::nullopt : std::optional(std::move(addresses)));
    return;
  }
  const auto node = std::move(nodes_.extract(nodes_.begin()).value());
  get({"get", "nodes", ""}, "/api/v1/nodes/" + node, [this](const ApiResult& result) {
    const auto verdict = judge(result);
    if (verdict != Verdict::kDone && verdict != Verdict::kGone) {
      tell(std::nullopt);
      return;
    }
    // A node that is gone has no address; the others have.
    auto address = verdict == Verdict::kGone
                       ? std::string()
                       : address_of(parse_json(result->body), options_.report_node_internal_ip);
    if (!address.empty()) {
      of_nodes_.push_back(parse_address(std::move(address)));
    }
    ask_next_node();
  });
}

void AddressFinder::find_other_replica(std::move_only_function<void(bool)> found) {
  cancel();
  list_pods(
      [this, found = std::move(found)](std::expected<std::vector<Pod>, Verdict> pods) mutable {
        if (!pods) {
          found(pods.error() != Verdict::kGone);
          return;
        }
        found(std::ranges::any_of(
            *pods, [this](const Pod& pod) { return pod.name != options_.pod && !pod.is_ending; }));
      });
}

}  // namespace portico::status
