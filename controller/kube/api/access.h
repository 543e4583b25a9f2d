// Which API server, whom to trust, and as whom to speak: as values, before anything is opened.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace portico::kube {

// Bytes that stood in the text, or a file that is read again as it is replaced. `named` is how a
// message calls it: "/root/.kube/config: user \"admin\": client-key".
struct Content {
  std::string bytes;
  std::string file;  // counts where `bytes` is empty
  std::string named;

  [[nodiscard]] bool given() const { return !bytes.empty() || !file.empty(); }
  bool operator==(const Content&) const = default;
};

// A program that prints a credential: https://kubernetes.io/docs/reference/access-authn-authz/
// authentication/#client-go-credential-plugins
struct ExecPlugin {
  std::string command;  // a path, or a name that is looked for in $PATH; empty: no plugin
  std::vector<std::string> arguments;
  std::vector<std::pair<std::string, std::string>> environment;  // added to ours
  std::string api_version;        // "client.authentication.k8s.io/v1"
  std::string install_hint;       // told where the command is missing
  bool wants_cluster = false;     // provideClusterInfo
  std::string cluster_extension;  // JSON for it; may be empty
  std::string named;

  bool operator==(const ExecPlugin&) const = default;
};

// At most one of token, user name and plugin; any of them beside a client certificate.
struct ApiUser {
  Content token;
  std::string user_name;
  std::string password;
  Content certificate;
  Content key;
  ExecPlugin plugin;
  // Impersonate-User and its sisters, ready to be sent.
  std::vector<std::pair<std::string, std::string>> impersonation;

  bool operator==(const ApiUser&) const = default;
};

// Lifetime:  a value. Nothing in it has been opened but the kubeconfig it came from.
struct ApiAccess {
  std::string origin;           // for messages: "the in-cluster account"
  std::string server;           // "https://10.0.0.1:443", perhaps with a path before /api
  std::string tls_server_name;  // instead of the server's host; empty: that one
  Content authority;            // PEM; not given: the system's
  bool verify = true;           // false: insecure-skip-tls-verify
  std::string proxy;            // "http://proxy:3128"; empty: direct
  bool accepts_gzip = true;     // false: disable-compression
  ApiUser user;
  std::string namespace_ = "default";

  bool operator==(const ApiAccess&) const = default;
};

}  // namespace portico::kube
