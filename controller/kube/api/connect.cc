#include "controller/kube/api/connect.h"

#include <ctime>
#include <unistd.h>

#include <fmt/format.h>

#include "controller/kube/api/http_client.h"
#include "controller/kube/api/proxy_choice.h"
#include "controller/kube/api/reread_content.h"
#include "controller/kube/api/text.h"
#include "proxy/net/loop.h"

namespace portico::kube {
namespace {

std::expected<DialPlan, std::string> plan_of(const ApiAccess& access) {
  auto server = parse_server_url(access.server);
  if (!server) {
    return std::unexpected(fmt::format("{}: server \"{}\" {}", access.origin,
                                       shown_url(access.server), server.error()));
  }
  DialPlan plan{.server = std::move(*server)};
  plan.tls_server_name = access.tls_server_name.empty() ? plan.server.host : access.tls_server_name;
  if (access.proxy.empty()) {
    return plan;
  }
  auto proxy = parse_server_url(access.proxy);
  if (proxy && proxy->is_tls) {
    proxy = std::unexpected(std::string("has scheme \"https\"; only http proxies are spoken to"));
  }
  if (!proxy) {
    return std::unexpected(
        fmt::format("{}: proxy \"{}\" {}", access.origin, shown_url(access.proxy), proxy.error()));
  }
  plan.proxy = std::move(*proxy);
  return plan;
}

}  // namespace

Environment process_environment() {
  Environment all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos) {
      all.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
  }
  return all;
}

std::string variable(const Environment& environment, std::string_view name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string() : found->second;
}

std::expected<ApiAccess, std::string> find_api_access(const AccessOptions& options,
                                                      const Environment& environment) {
  const bool is_named = !options.kubeconfig.empty() || !options.context.empty() ||
                        !variable(environment, "KUBECONFIG").empty();
  if (!is_named && !variable(environment, "KUBERNETES_SERVICE_HOST").empty()) {
    return in_cluster_access(environment);
  }
  return kubeconfig_access(options.kubeconfig, options.context, environment);
}

std::expected<ApiAccess, std::string> in_cluster_access(const Environment& environment,
                                                        const std::filesystem::path& folder) {
  const std::string host = variable(environment, "KUBERNETES_SERVICE_HOST");
  const std::string port = variable(environment, "KUBERNETES_SERVICE_PORT");
  if (host.empty() || port.empty()) {
    return std::unexpected(
        "not in a cluster: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set; "
        "name one by --kubeconfig");
  }
  const std::string origin = "the pod's service account";
  const bool is_v6 = host.find(':') != std::string::npos;
  const auto file = [&](const char* name) {
    return Content{.file = folder / name, .named = fmt::format("{}: {}", origin, name)};
  };
  ApiAccess access{.origin = origin,
                   .server = fmt::format("https://{}:{}", is_v6 ? "[" + host + "]" : host, port),
                   .authority = file("ca.crt"),
                   .user = {.token = file("token")}};
  for (const Content* content : {&access.user.token, &access.authority}) {
    if (const auto read = read_file(content->file, RereadContent::kMaxBytes); !read) {
      return std::unexpected(
          fmt::format("{}: can't read {}: {}; is automountServiceAccountToken false?", origin,
                      content->file, read.error()));
    }
  }
  if (const auto name = read_file(folder / "namespace", RereadContent::kMaxBytes)) {
    access.namespace_ = trim(*name);
  }
  if (const auto server = parse_server_url(access.server)) {
    access.proxy = choose_proxy(*server, environment);
  }
  return access;
}

std::expected<std::unique_ptr<ApiClient>, std::string> open_api_client(net::Loop& loop,
                                                                       const ApiAccess& access) {
  auto plan = plan_of(access);
  if (!plan) {
    return std::unexpected(std::move(plan.error()));
  }
  Credentials::World world{.clock = [&loop] { return loop.now(); },
                           .unix_seconds = [] { return std::int64_t{std::time(nullptr)}; },
                           .start_plugin = process_starter(loop)};
  // What can be read already is judged now, so that a fault in a file ends the start and not the
  // first call.
  if (plan->server.is_tls) {
    Credentials credentials({.certificate = access.user.certificate, .key = access.user.key}, {},
                            {.clock = world.clock}, [] {});
    const auto credential = credentials.current();
    if (!credential) {
      return std::unexpected(credential.error());
    }
    ClientTls tls(access, world.clock);
    if (const auto context = tls.context(**credential); !context) {
      return std::unexpected(context.error());
    }
  }
  return std::make_unique<HttpApiClient>(loop, access, std::move(*plan), std::move(world));
}

}  // namespace portico::kube
