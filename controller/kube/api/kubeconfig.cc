// Entries of a kubeconfig into an ApiAccess.
#include "controller/kube/api/kubeconfig.h"

#include <fmt/format.h>

#include "controller/kube/api/connect.h"
#include "controller/kube/api/proxy_choice.h"
#include "controller/kube/api/reread_content.h"
#include "controller/kube/api/server_url.h"
#include "controller/kube/base64.h"

namespace portico::kube {
namespace {

using Result = std::expected<void, std::string>;

constexpr std::size_t kMaxFile = std::size_t{16} << 20;

// An entry being read: where faults are, and where its relative paths begin.
struct Entry {
  std::string where;  // "/root/.kube/config: user \"admin\""
  std::filesystem::path folder;

  [[nodiscard]] std::unexpected<std::string> refuse(std::string_view field,
                                                    std::string_view what) const {
    return std::unexpected(fmt::format("{}: {}{}{}", where, field, field.empty() ? "" : " ", what));
  }
  [[nodiscard]] std::string absolute(const std::string& path) const {
    return path.empty() ? path : (folder / path).lexically_normal().string();
  }
};

Entry entry_of(const std::filesystem::path& file, std::string_view kind, std::string_view name) {
  return {.where = fmt::format("{}: {} \"{}\"", file.string(), kind, name),
          .folder = std::filesystem::absolute(file).parent_path()};
}

// `field` names a file, `field`-data holds the bytes and counts before it.
Result read_content(const Entry& entry, const std::string& field, const std::string& file,
                    const std::string& data, Content& into) {
  if (!data.empty()) {
    const auto bytes = decode_base64(data);
    if (!bytes || bytes->empty()) {
      return entry.refuse(field + "-data", "is not base64");
    }
    into = {.bytes = *bytes, .named = fmt::format("{}: {}-data", entry.where, field)};
  } else if (!file.empty()) {
    into = {.file = entry.absolute(file), .named = fmt::format("{}: {}", entry.where, field)};
  }
  return {};
}

Result check_url(const Entry& entry, std::string_view field, const std::string& url,
                 bool is_proxy) {
  const auto parsed = parse_server_url(url);
  if (!parsed) {
    return entry.refuse(field, fmt::format("\"{}\" {}", shown_url(url), parsed.error()));
  }
  if (is_proxy && parsed->is_tls) {
    return entry.refuse(field,
                        fmt::format("\"{}\" has scheme \"https\"; only http proxies are spoken to",
                                    shown_url(url)));
  }
  return {};
}

Result take_cluster(const Entry& entry, const KubeconfigCluster& cluster, bool has_certificate,
                    ApiAccess& access) {
  if (cluster.server.empty()) {
    return entry.refuse("server", "is missing");
  }
  const bool has_authority = !cluster.authority_data.empty() || !cluster.authority_file.empty();
  if (cluster.skips_verify && has_authority) {
    return entry.refuse("insecure-skip-tls-verify",
                        "is set beside certificate-authority; remove one of them");
  }
  // client-go takes a bare host for https where anything speaks of TLS.
  const bool speaks_tls = has_authority || has_certificate || cluster.skips_verify;
  const bool has_scheme = cluster.server.find("://") != std::string::npos;
  access.server = (has_scheme ? "" : speaks_tls ? "https://" : "http://") + cluster.server;
  if (const auto good = check_url(entry, "server", access.server, false); !good) {
    return good;
  }
  if (!cluster.proxy_url.empty()) {
    if (const auto good = check_url(entry, "proxy-url", cluster.proxy_url, true); !good) {
      return good;
    }
  }
  access.proxy = cluster.proxy_url;
  access.verify = !cluster.skips_verify;
  access.tls_server_name = cluster.tls_server_name;
  access.accepts_gzip = !cluster.disables_compression;
  return read_content(entry, "certificate-authority", cluster.authority_file,
                      cluster.authority_data, access.authority);
}

Result take_plugin(const Entry& entry, const KubeconfigUser& user,
                   const std::string& cluster_extension, ExecPlugin& plugin) {
  plugin = user.plugin;
  plugin.named = entry.where + ": exec";
  plugin.cluster_extension = cluster_extension;
  if (plugin.command.empty()) {
    return entry.refuse("exec.command", "is missing");
  }
  if (plugin.api_version != "client.authentication.k8s.io/v1" &&
      plugin.api_version != "client.authentication.k8s.io/v1beta1") {
    return entry.refuse("exec.apiVersion",
                        fmt::format("\"{}\" is not spoken; use client.authentication.k8s.io/v1",
                                    plugin.api_version));
  }
  if (plugin.command.find('/') != std::string::npos) {
    plugin.command = entry.absolute(plugin.command);
  }
  return {};
}

Result take_user(const Entry& entry, const KubeconfigUser& user,
                 const std::string& cluster_extension, ApiUser& into) {
  if (!user.unknown.empty()) {
    return entry.refuse(user.unknown, user.unknown == "auth-provider"
                                          ? "is not spoken any more; use exec with its plugin"
                                          : "is not spoken; impersonate by as and as-groups");
  }
  if (!user.impersonation.empty() && user.impersonation.front().first != "Impersonate-User") {
    return entry.refuse("as-groups", "is set without as");
  }
  const bool has_token = !user.token.empty() || !user.token_file.empty();
  if (has_token && !user.user_name.empty()) {
    return entry.refuse("token", "is set beside username; remove one of them");
  }
  // The file counts before the token, as with kubectl.
  if (!user.token_file.empty()) {
    into.token = {.file = entry.absolute(user.token_file), .named = entry.where + ": tokenFile"};
  } else if (!user.token.empty()) {
    into.token = {.bytes = user.token, .named = entry.where + ": token"};
  }
  for (const Result& read :
       {read_content(entry, "client-certificate", user.certificate_file, user.certificate_data,
                     into.certificate),
        read_content(entry, "client-key", user.key_file, user.key_data, into.key)}) {
    if (!read) {
      return read;
    }
  }
  if (into.certificate.given() != into.key.given()) {
    return entry.refuse(into.key.given() ? "client-certificate" : "client-key", "is missing");
  }
  into.user_name = user.user_name;
  into.password = user.password;
  into.impersonation = user.impersonation;
  if (user.has_plugin && !has_token) {
    return take_plugin(entry, user, cluster_extension, into.plugin);
  }
  return {};
}

template <class Entries>
std::string names_of(const Entries& entries) {
  std::string names;
  for (const auto& [name, entry] : entries) {
    names += (names.empty() ? "" : ", ") + name;
  }
  return names.empty() ? "none" : names;
}

// The files of $KUBECONFIG that exist, or the one in the home folder.
std::vector<std::filesystem::path> usual_files(const Environment& environment) {
  const std::string list = variable(environment, "KUBECONFIG");
  if (list.empty()) {
    return {std::filesystem::path(variable(environment, "HOME")) / ".kube/config"};
  }
  std::vector<std::filesystem::path> files;
  std::string_view rest = list;
  while (!rest.empty()) {
    const std::size_t colon = std::min(rest.find(':'), rest.size());
    std::error_code ignored;
    if (const std::filesystem::path file = rest.substr(0, colon);
        !file.empty() && std::filesystem::exists(file, ignored)) {
      files.push_back(file);
    }
    rest.remove_prefix(std::min(colon + 1, rest.size()));
  }
  return files;
}

}  // namespace

std::expected<ApiAccess, std::string> resolve_kubeconfig(const Kubeconfig& kubeconfig,
                                                         const std::string& context) {
  const std::string& name = context.empty() ? kubeconfig.current_context : context;
  if (name.empty()) {
    return std::unexpected(fmt::format("{}: current-context is not set; name one by --context ({})",
                                       kubeconfig.files, names_of(kubeconfig.contexts)));
  }
  const auto chosen = kubeconfig.contexts.find(name);
  if (chosen == kubeconfig.contexts.end()) {
    return std::unexpected(fmt::format("{}: there is no context \"{}\"; there are: {}",
                                       kubeconfig.files, name, names_of(kubeconfig.contexts)));
  }
  const KubeconfigContext& here = chosen->second;
  const Entry at = entry_of(here.file, "context", name);
  const auto cluster = kubeconfig.clusters.find(here.cluster);
  if (cluster == kubeconfig.clusters.end()) {
    return at.refuse("cluster", fmt::format("\"{}\" is not defined; there are: {}", here.cluster,
                                            names_of(kubeconfig.clusters)));
  }
  const auto user = kubeconfig.users.find(here.user);
  if (!here.user.empty() && user == kubeconfig.users.end()) {
    return at.refuse("user", fmt::format("\"{}\" is not defined; there are: {}", here.user,
                                         names_of(kubeconfig.users)));
  }
  ApiAccess access{.origin = at.where};
  if (!here.namespace_.empty()) {
    access.namespace_ = here.namespace_;
  }
  if (user != kubeconfig.users.end()) {
    const Entry entry = entry_of(user->second.file, "user", user->first);
    if (const auto taken =
            take_user(entry, user->second, cluster->second.exec_extension, access.user);
        !taken) {
      return std::unexpected(taken.error());
    }
  }
  if (const auto taken = take_cluster(entry_of(cluster->second.file, "cluster", cluster->first),
                                      cluster->second, access.user.certificate.given(), access);
      !taken) {
    return std::unexpected(taken.error());
  }
  if (access.server.starts_with("http://")) {
    access.user = {};  // kubectl sends no credential in the clear either
  }
  return access;
}

std::expected<ApiAccess, std::string> kubeconfig_access(const std::string& path,
                                                        const std::string& context,
                                                        const Environment& environment) {
  const auto files =
      path.empty() ? usual_files(environment) : std::vector<std::filesystem::path>{path};
  if (files.empty()) {
    return std::unexpected(fmt::format("$KUBECONFIG names no file that exists: {}",
                                       variable(environment, "KUBECONFIG")));
  }
  Kubeconfig merged;
  for (const std::filesystem::path& file : files) {
    merged.files += (merged.files.empty() ? "" : ", ") + file.string();
    const auto text = read_file(file, kMaxFile);
    if (!text) {
      return std::unexpected(
          fmt::format("can't read the kubeconfig {}: {}; name one by --kubeconfig", file.string(),
                      text.error()));
    }
    if (const auto read = merge_kubeconfig(merged, *text, file); !read) {
      return std::unexpected(read.error());
    }
  }
  auto access = resolve_kubeconfig(merged, context);
  if (access && access->proxy.empty()) {
    if (const auto server = parse_server_url(access->server)) {
      access->proxy = choose_proxy(*server, environment);
    }
  }
  return access;
}

}  // namespace portico::kube
