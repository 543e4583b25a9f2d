#include "controller/kube/api/kubeconfig.h"

#include <gtest/gtest.h>

#include "controller/kube/api/connect.h"
#include "routing/testing/temp_folder.h"

namespace portico::kube {
namespace {

// "/c/config", read from memory.
std::expected<ApiAccess, std::string> resolve(std::string_view text,
                                              const std::string& context = "") {
  Kubeconfig merged{.files = "/c/config"};
  if (const auto read = merge_kubeconfig(merged, text, "/c/config"); !read) {
    return std::unexpected(read.error());
  }
  return resolve_kubeconfig(merged, context);
}

std::string problem(std::string_view text, const std::string& context = "") {
  const auto access = resolve(text, context);
  return access ? "fine" : access.error();
}

// A whole file with one cluster and one user, each as flow YAML.
std::string config(std::string_view cluster, std::string_view user = "{}") {
  return "apiVersion: v1\nkind: Config\ncurrent-context: here\n"
         "contexts: [{name: here, context: {cluster: c, user: u}}]\n"
         "clusters: [{name: c, cluster: " +
         std::string(cluster) +
         "}]\n"
         "users: [{name: u, user: " +
         std::string(user) + "}]\n";
}

const std::string kCluster = "{server: 'https://a:6443'}";

TEST(Kubeconfig, ReadsAClusterAndItsUser) {
  const auto access = resolve(R"(
apiVersion: v1
kind: Config
preferences: {}
current-context: prod
contexts:
- name: prod
  context: {cluster: main, user: admin, namespace: web}
clusters:
- name: main
  cluster:
    server: https://10.0.0.1:6443/k8s
    certificate-authority-data: Y2E=
    tls-server-name: kubernetes
    proxy-url: http://proxy:3128
    disable-compression: true
users:
- name: admin
  user:
    client-certificate: admin.crt
    client-key: ../keys/admin.key
    token: 0123
    as: jane
    as-groups: [a, b]
)");
  ASSERT_TRUE(access) << access.error();
  const std::string user = "/c/config: user \"admin\"";
  EXPECT_EQ(
      *access,
      (ApiAccess{
          .origin = "/c/config: context \"prod\"",
          .server = "https://10.0.0.1:6443/k8s",
          .tls_server_name = "kubernetes",
          .authority = {.bytes = "ca",
                        .named = "/c/config: cluster \"main\": certificate-authority-data"},
          .proxy = "http://proxy:3128",
          .accepts_gzip = false,
          .user = {.token = {.bytes = "0123", .named = user + ": token"},
                   .certificate = {.file = "/c/admin.crt", .named = user + ": client-certificate"},
                   .key = {.file = "/keys/admin.key", .named = user + ": client-key"},
                   .impersonation = {{"Impersonate-User", "jane"},
                                     {"Impersonate-Group", "a"},
                                     {"Impersonate-Group", "b"}}},
          .namespace_ = "web"}));
}

TEST(Kubeconfig, BytesCountBeforeFilesAndTokenFilesBeforeTokens) {
  const auto access = resolve(config(
      "{server: 'https://a', certificate-authority-data: Y2E=, certificate-authority: ca.crt}",
      "{token: a, tokenFile: /run/token}"));
  ASSERT_TRUE(access) << access.error();
  EXPECT_EQ(access->authority.bytes, "ca");
  EXPECT_EQ(access->user.token.file, "/run/token");
  EXPECT_EQ(access->user.token.bytes, "");
}

TEST(Kubeconfig, ReadsPlugins) {
  const auto access = resolve(
      config("{server: 'https://a', extensions: [{name: client.authentication.k8s.io/exec, "
             "extension: {audience: 'x\"y', deep: [1, true, null, {}]}}]}",
             "{exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: ./bin/login, "
             "args: [get, '--a=b'], env: [{name: A, value: b}], provideClusterInfo: true, "
             "installHint: get it, interactiveMode: Never}}"));
  ASSERT_TRUE(access) << access.error();
  EXPECT_EQ(access->user.plugin,
            (ExecPlugin{.command = "/c/bin/login",
                        .arguments = {"get", "--a=b"},
                        .environment = {{"A", "b"}},
                        .api_version = "client.authentication.k8s.io/v1beta1",
                        .install_hint = "get it",
                        .wants_cluster = true,
                        .cluster_extension = R"({"audience":"x\"y","deep":[1,true,null,{}]})",
                        .named = "/c/config: user \"u\": exec"}));
}

TEST(Kubeconfig, AContextMayBeNamed) {
  const std::string text =
      "contexts: [{name: a, context: {cluster: c}}, {name: b, context: {cluster: d}}]\n"
      "clusters: [{name: c, cluster: {server: 'https://c'}}, "
      "{name: d, cluster: {server: 'https://d'}}]\n";
  EXPECT_EQ(resolve(text, "b")->server, "https://d");
  EXPECT_EQ(problem(text), "/c/config: current-context is not set; name one by --context (a, b)");
  EXPECT_EQ(problem(text, "x"), "/c/config: there is no context \"x\"; there are: a, b");
}

TEST(Kubeconfig, ABareHostSpeaksTlsWhereAnythingSaysSo) {
  EXPECT_EQ(resolve(config("{server: 'a:8080'}"))->server, "http://a:8080");
  EXPECT_EQ(resolve(config("{server: 'a:8080', insecure-skip-tls-verify: true}"))->server,
            "https://a:8080");
  EXPECT_EQ(resolve(config("{server: 'a:8080', certificate-authority: ca.crt}"))->server,
            "https://a:8080");
}

TEST(Kubeconfig, SendsNoCredentialInTheClear) {
  EXPECT_EQ(resolve(config("{server: 'http://a'}", "{token: secret}"))->user, ApiUser{});
}

TEST(Kubeconfig, SaysWhichFieldIsWrong) {
  const std::string c = "/c/config: cluster \"c\": ";
  const std::string u = "/c/config: user \"u\": ";
  struct Row {
    std::string text;
    std::string why;
  };
  for (const Row& row : {
           Row{config("{}"), c + "server is missing"},
           Row{config("{server: 'ftp://a'}"),
               c + "server \"ftp://a\" has scheme \"ftp\"; only http and https are spoken"},
           Row{config("{server: 'https://a', proxy-url: 'socks5://b'}"),
               c + "proxy-url \"socks5://b\" has scheme \"socks5\"; only http and https are "
                   "spoken"},
           Row{config("{server: 'https://a', proxy-url: 'https://b'}"),
               c + "proxy-url \"https://b\" has scheme \"https\"; only http proxies are spoken to"},
           Row{config("{server: 'https://a', insecure-skip-tls-verify: true, "
                      "certificate-authority: x}"),
               c + "insecure-skip-tls-verify is set beside certificate-authority; remove one of "
                   "them"},
           Row{config("{server: 'https://a', certificate-authority-data: '%'}"),
               c + "certificate-authority-data is not base64"},
           Row{config(kCluster, "{token: a, username: b}"),
               u + "token is set beside username; remove one of them"},
           Row{config(kCluster, "{client-certificate: a}"), u + "client-key is missing"},
           Row{config(kCluster, "{client-key: a}"), u + "client-certificate is missing"},
           Row{config(kCluster, "{client-key-data: '?'}"), u + "client-key-data is not base64"},
           Row{config(kCluster, "{auth-provider: {name: gcp}}"),
               u + "auth-provider is not spoken any more; use exec with its plugin"},
           Row{config(kCluster, "{as-groups: [a]}"), u + "as-groups is set without as"},
           Row{config(kCluster, "{exec: {}}"), u + "exec.command is missing"},
           Row{config(kCluster, "{exec: {command: a, apiVersion: v1}}"),
               u + "exec.apiVersion \"v1\" is not spoken; use client.authentication.k8s.io/v1"},
           Row{"current-context: a\ncontexts: [{name: a, context: {cluster: x}}]",
               "/c/config: context \"a\": cluster \"x\" is not defined; there are: none"},
           Row{"current-context: a\ncontexts: [{name: a, context: {cluster: x, user: y}}]\n"
               "clusters: [{name: x, cluster: {server: 'https://a'}}]",
               "/c/config: context \"a\": user \"y\" is not defined; there are: none"},
           Row{"kind: Ingress", "/c/config is a Ingress, no kubeconfig"},
           Row{"- a", "/c/config is no kubeconfig"},
           Row{"", "/c/config: current-context is not set; name one by --context (none)"},
       }) {
    EXPECT_EQ(problem(row.text), row.why) << row.text;
  }
  EXPECT_TRUE(problem("a: [").starts_with("/c/config:1: "));
}

class KubeconfigFiles : public ::testing::Test {
 protected:
  std::string write(std::string_view name, std::string_view text) {
    return folder_.write(name, text);
  }

  TempFolder folder_;
};

TEST_F(KubeconfigFiles, TheFirstToSaySomethingIsRight) {
  const std::string one = write("one",
                                "contexts: [{name: a, context: {cluster: c, user: u}}]\n"
                                "clusters: [{name: c, cluster: {server: 'https://one'}}]\n");
  const std::string two = write("sub/two", config("{server: 'https://two'}", "{tokenFile: token}"));
  const Environment environment{
      {"KUBECONFIG", one + "::" + (folder_ / "none").string() + ":" + two}};
  const auto named = kubeconfig_access("", "a", environment);
  ASSERT_TRUE(named) << named.error();
  EXPECT_EQ(named->server, "https://one");
  EXPECT_EQ(named->user.token.file, (folder_ / "sub/token").string());
  EXPECT_EQ(kubeconfig_access("", "", environment)->origin, two + ": context \"here\"");
  EXPECT_EQ(kubeconfig_access(two, "", environment)->server, "https://two");
}

TEST_F(KubeconfigFiles, FilesThatAreMissingAreNamed) {
  const std::string none = (folder_ / "none").string();
  EXPECT_EQ(kubeconfig_access(none, "", {}).error(),
            "can't read the kubeconfig " + none +
                ": No such file or directory; name one by --kubeconfig");
  EXPECT_EQ(kubeconfig_access("", "", {{"KUBECONFIG", none}}).error(),
            "$KUBECONFIG names no file that exists: " + none);
}

TEST_F(KubeconfigFiles, TheEnvironmentsProxyIsUsedWhereTheFileNamesNone) {
  const std::string file = write("config", config("{server: 'https://a.example.com'}"));
  EXPECT_EQ(kubeconfig_access(file, "", {{"HTTPS_PROXY", "p:1"}})->proxy, "http://p:1");
  EXPECT_EQ(
      kubeconfig_access(file, "", {{"HTTPS_PROXY", "p:1"}, {"NO_PROXY", ".example.com"}})->proxy,
      "");
}

TEST_F(KubeconfigFiles, ThePodsAccountIsReadFromItsFolder) {
  const Environment environment{{"KUBERNETES_SERVICE_HOST", "fd00::1"},
                                {"KUBERNETES_SERVICE_PORT", "443"}};
  EXPECT_EQ(in_cluster_access(environment, folder_.path()).error(),
            "the pod's service account: can't read " + (folder_ / "token").string() +
                ": No such file or directory; is automountServiceAccountToken false?");
  write("token", "t");
  write("ca.crt", "PEM");
  write("namespace", "portico\n");
  const auto access = in_cluster_access(environment, folder_.path());
  ASSERT_TRUE(access) << access.error();
  EXPECT_EQ(access->server, "https://[fd00::1]:443");
  EXPECT_EQ(access->user.token.file, (folder_ / "token").string());
  EXPECT_EQ(access->authority.file, (folder_ / "ca.crt").string());
  EXPECT_EQ(access->namespace_, "portico");
  EXPECT_TRUE(in_cluster_access({}, folder_.path()).error().starts_with("not in a cluster: "));
}

TEST_F(KubeconfigFiles, WhatIsNamedCountsBeforeThePodsAccount) {
  const std::string file = write("config", config("{server: 'https://named'}"));
  Environment environment{{"KUBERNETES_SERVICE_HOST", "10.0.0.1"},
                          {"KUBERNETES_SERVICE_PORT", "443"},
                          {"HOME", folder_.path().string()}};
  EXPECT_FALSE(find_api_access({}, environment));  // no account is mounted here
  EXPECT_EQ(find_api_access({.kubeconfig = file}, environment)->server, "https://named");
  environment["KUBECONFIG"] = file;
  EXPECT_EQ(find_api_access({}, environment)->server, "https://named");
  write(".kube/config", config("{server: 'https://home'}"));
  EXPECT_EQ(find_api_access({}, {{"HOME", folder_.path().string()}})->server, "https://home");
}

}  // namespace
}  // namespace portico::kube
