// kubeconfig files: several into one, one context of it into an ApiAccess.
//
// See https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/
#pragma once

#include <expected>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/kube/api/access.h"

namespace portico::kube {

// One entry as it was written, with the file it stands in.
struct KubeconfigCluster {
  std::filesystem::path file;
  std::string server;
  std::string authority_file;
  std::string authority_data;  // base64
  std::string tls_server_name;
  std::string proxy_url;
  bool skips_verify = false;
  bool disables_compression = false;
  std::string exec_extension;  // JSON
};

struct KubeconfigUser {
  std::filesystem::path file;
  std::string token;
  std::string token_file;
  std::string certificate_file;
  std::string certificate_data;  // base64
  std::string key_file;
  std::string key_data;  // base64
  std::string user_name;
  std::string password;
  std::vector<std::pair<std::string, std::string>> impersonation;  // as header fields
  bool has_plugin = false;
  ExecPlugin plugin;
  std::string unknown;  // a way to prove who one is that this program does not know
};

struct KubeconfigContext {
  std::filesystem::path file;
  std::string cluster;
  std::string user;
  std::string namespace_;
};

// What kubectl makes of a list of files: the first to say something is right.
struct Kubeconfig {
  std::string files;  // for messages
  std::string current_context;
  std::map<std::string, KubeconfigCluster, std::less<>> clusters;
  std::map<std::string, KubeconfigUser, std::less<>> users;
  std::map<std::string, KubeconfigContext, std::less<>> contexts;
};

// Adds what `text` says and `into` does not. `file` is its path.
//
// Errors:    one line with file and line.
std::expected<void, std::string> merge_kubeconfig(Kubeconfig& into, std::string_view text,
                                                  const std::filesystem::path& file);

// `context` empty: the current one.
//
// Errors:    one line that names file, entry and field, and how to mend it.
std::expected<ApiAccess, std::string> resolve_kubeconfig(const Kubeconfig& kubeconfig,
                                                         const std::string& context);

}  // namespace portico::kube
