// From the environment to an open client: the only header a user of this folder needs beside
// client.h.
#pragma once

#include <expected>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "controller/kube/api/access.h"

namespace portico::net {
class Loop;
}

namespace portico::kube {

class ApiClient;

using Environment = std::map<std::string, std::string, std::less<>>;
Environment process_environment();
// "" where it is not set.
std::string variable(const Environment& environment, std::string_view name);

inline constexpr const char* kServiceAccountFolder =
    "/var/run/secrets/kubernetes.io/serviceaccount";

// What --kubeconfig and --context say, where they say something.
struct AccessOptions {
  std::string kubeconfig;
  std::string context;
};

// As kubectl's relatives choose: --kubeconfig, then $KUBECONFIG, then the pod's own account, then
// ~/.kube/config.
//
// Errors: one line that names file, context and field, and how to mend it.
std::expected<ApiAccess, std::string> find_api_access(
    const AccessOptions& options, const Environment& environment = process_environment());

// The account that the kubelet mounted into this pod.
std::expected<ApiAccess, std::string> in_cluster_access(
    const Environment& environment = process_environment(),
    const std::filesystem::path& folder = kServiceAccountFolder);

// `path` empty: the files of $KUBECONFIG, merged as kubectl does, else ~/.kube/config. `context`
// empty: the current one.
std::expected<ApiAccess, std::string> kubeconfig_access(
    const std::string& path, const std::string& context,
    const Environment& environment = process_environment());

// Connects to nobody yet: whether the server answers is told by the first call.
//
// Errors: what can be seen without the server: a server or proxy URL of a kind that is not spoken,
//         a certificate that can't be read.
std::expected<std::unique_ptr<ApiClient>, std::string> open_api_client(net::Loop& loop,
                                                                       const ApiAccess& access);

}  // namespace portico::kube
