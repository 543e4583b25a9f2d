// The text of a kubeconfig into its entries.
#include <utility>

#include <fmt/format.h>

#include "controller/kube/api/kubeconfig.h"
#include "controller/kube/api/text.h"
#include "controller/kube/document_reader.h"

namespace portico::kube {
namespace {

bool flag(Value map, std::string_view name) {
  const Value value = map.find(name);
  return value && value.scalar_type() == ScalarType::kBool &&
         (value.text() == "true" || value.text() == "True" || value.text() == "TRUE");
}

std::string text_of(Value map, std::string_view name) {
  return std::string(map.member_text(name));
}

// Any value as JSON, for a plugin that is told what the file says.
void append_json(std::string& out, Value value) {
  if (value.is_null()) {
    out += "null";
    return;
  }
  if (value.is_scalar()) {
    out += value.scalar_type() == ScalarType::kString ? json_string(value.text())
                                                      : lower(value.text());
    return;
  }
  out += value.is_map() ? '{' : '[';
  bool is_first = true;
  for (Value item = value.first(); item; item = item.next()) {
    out += std::exchange(is_first, false) ? "" : ",";
    out += value.is_map() ? json_string(item.key()) + ":" : "";
    append_json(out, item);
  }
  out += value.is_map() ? '}' : ']';
}

std::string exec_extension_of(Value cluster) {
  for (Value entry = cluster.find("extensions").first(); entry; entry = entry.next()) {
    if (entry.member_text("name") == "client.authentication.k8s.io/exec") {
      std::string json;
      append_json(json, entry.find("extension"));
      return json;
    }
  }
  return {};
}

KubeconfigCluster read_cluster(Value cluster, const std::filesystem::path& file) {
  return {.file = file,
          .server = text_of(cluster, "server"),
          .authority_file = text_of(cluster, "certificate-authority"),
          .authority_data = text_of(cluster, "certificate-authority-data"),
          .tls_server_name = text_of(cluster, "tls-server-name"),
          .proxy_url = text_of(cluster, "proxy-url"),
          .skips_verify = flag(cluster, "insecure-skip-tls-verify"),
          .disables_compression = flag(cluster, "disable-compression"),
          .exec_extension = exec_extension_of(cluster)};
}

ExecPlugin read_plugin(Value exec) {
  ExecPlugin plugin{.command = text_of(exec, "command"),
                    .api_version = text_of(exec, "apiVersion"),
                    .install_hint = text_of(exec, "installHint"),
                    .wants_cluster = flag(exec, "provideClusterInfo")};
  for (Value item = exec.find("args").first(); item; item = item.next()) {
    plugin.arguments.emplace_back(item.text());
  }
  for (Value item = exec.find("env").first(); item; item = item.next()) {
    plugin.environment.emplace_back(item.member_text("name"), item.member_text("value"));
  }
  return plugin;
}

KubeconfigUser read_user(Value user, const std::filesystem::path& file) {
  KubeconfigUser read{.file = file,
                      .token = text_of(user, "token"),
                      .token_file = text_of(user, "tokenFile"),
                      .certificate_file = text_of(user, "client-certificate"),
                      .certificate_data = text_of(user, "client-certificate-data"),
                      .key_file = text_of(user, "client-key"),
                      .key_data = text_of(user, "client-key-data"),
                      .user_name = text_of(user, "username"),
                      .password = text_of(user, "password")};
  const auto impersonate = [&read](const char* field, std::string_view value) {
    if (!value.empty()) {
      read.impersonation.emplace_back(field, value);
    }
  };
  impersonate("Impersonate-User", user.member_text("as"));
  impersonate("Impersonate-Uid", user.member_text("as-uid"));
  for (Value group = user.find("as-groups").first(); group; group = group.next()) {
    impersonate("Impersonate-Group", group.text());
  }
  if (const Value exec = user.find("exec"); exec.is_map()) {
    read.has_plugin = true;
    read.plugin = read_plugin(exec);
  }
  for (const char* name : {"auth-provider", "as-user-extra"}) {
    if (!user.find(name).is_null()) {
      read.unknown = name;
    }
  }
  return read;
}

KubeconfigContext read_context(Value context, const std::filesystem::path& file) {
  return {.file = file,
          .cluster = text_of(context, "cluster"),
          .user = text_of(context, "user"),
          .namespace_ = text_of(context, "namespace")};
}

// "clusters": a list of {name, cluster}. Of the same name the first counts.
template <class Entry>
void read_entries(Value root, std::string_view list_name, std::string_view entry_name,
                  const std::filesystem::path& file,
                  Entry (*read)(Value, const std::filesystem::path&),
                  std::map<std::string, Entry, std::less<>>& into) {
  for (Value item = root.find(list_name).first(); item; item = item.next()) {
    into.try_emplace(text_of(item, "name"), read(item.find(entry_name), file));
  }
}

class Merger final : public DocumentSink {
 public:
  Merger(Kubeconfig& into, const std::filesystem::path& file) : into_(into), file_(file) {}

  void on_document(Value root, std::span<const DocumentProblem> /*problems*/) override {
    if (!root.is_map()) {
      problem_ = "is no kubeconfig";
      return;
    }
    if (const std::string_view kind = root.member_text("kind"); !kind.empty() && kind != "Config") {
      problem_ = fmt::format("is a {}, no kubeconfig", kind);
      return;
    }
    if (into_.current_context.empty()) {
      into_.current_context = text_of(root, "current-context");
    }
    read_entries(root, "clusters", "cluster", file_, read_cluster, into_.clusters);
    read_entries(root, "users", "user", file_, read_user, into_.users);
    read_entries(root, "contexts", "context", file_, read_context, into_.contexts);
  }
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  Kubeconfig& into_;
  const std::filesystem::path& file_;
  std::string problem_;
};

}  // namespace

std::expected<void, std::string> merge_kubeconfig(Kubeconfig& into, std::string_view text,
                                                  const std::filesystem::path& file) {
  Document scratch;
  Merger merger(into, file);
  if (const auto error = read_yaml(text, 1, scratch, merger)) {
    return std::unexpected(fmt::format("{}:{}: {}", file.string(), error->line, error->message));
  }
  if (!merger.problem().empty()) {
    return std::unexpected(fmt::format("{} {}", file.string(), merger.problem()));
  }
  return {};
}

}  // namespace portico::kube
