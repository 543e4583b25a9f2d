#include "controller/cli/command_line.h"

#include <algorithm>
#include <cstdint>
#include <iostream>
#include <string>
#include <string_view>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "controller/cli/check.h"
#include "controller/cli/cluster_flags.h"
#include "controller/cli/cores.h"
#include "controller/cli/explain.h"
#include "controller/cli/serve.h"
#include "proxy/net/fd_limit.h"

namespace portico::cli {
namespace {

constexpr int kBadUsage = 2;

// Texts as they were given, before they are judged together.
struct ServeFlags {
  std::string http = "[::]:8080";
  std::string https = "[::]:8443";
  std::string admin = "[::]:10254";
  std::string access_log = "off";
  std::int64_t workers = 0;
  std::int64_t max_connections = -1;
  std::int64_t grace_seconds = 0;
  std::int64_t shutdown_seconds = 240;
  ClusterFlags cluster;
};

// A client's connection may need another one to a backend; some are the process's own.
std::uint64_t connections_by_descriptors(std::uint64_t descriptors) {
  constexpr std::uint64_t kOwn = 256;
  constexpr std::uint64_t kLeast = 64;
  return std::max(kLeast, (descriptors - std::min(descriptors, kOwn)) / 2);
}

net::SocketAddress parse_address(const std::string& flag, const std::string& text) {
  const auto address = net::SocketAddress::parse(text);
  if (!address) {
    throw CLI::ValidationError(
        flag, fmt::format("\"{}\" is not ADDRESS:PORT, such as [::]:8080 or 127.0.0.1:80", text));
  }
  return *address;
}

server::LogFormat parse_log_format(const std::string& text) {
  if (text == "json") {
    return server::LogFormat::kJson;
  }
  return text == "nginx" ? server::LogFormat::kNginx : server::LogFormat::kOff;
}

// What is wrong with it; empty: nothing.
std::string judge_service(const std::string& text) {
  const auto slash = text.find('/');
  const auto name = slash == std::string::npos ? "" : text.substr(slash + 1);
  const auto colon = name.find(':');
  const bool is_name =
      slash != 0 && !name.empty() && colon != 0 && colon + 1 != name.size() &&
      name.find_first_of("/:", colon == std::string::npos ? 0 : colon + 1) == std::string::npos;
  return is_name ? "" : fmt::format("\"{}\" is not NAMESPACE/NAME or NAMESPACE/NAME:PORT", text);
}

void add_class_flags(CLI::App& app, translate::Options& options) {
  app.add_option("--ingress-class", options.classes.ingress_class,
                 "Name of the IngressClass to serve")
      ->capture_default_str();
  app.add_option("--controller-class", options.classes.controller_class,
                 "spec.controller of the IngressClasses to serve")
      ->capture_default_str();
  app.add_flag("--watch-ingress-without-class", options.classes.watch_ingress_without_class,
               "Serve Ingresses that name no class");
  app.add_flag("--ingress-class-by-name", options.classes.ingress_class_by_name,
               "Serve an IngressClass of that name whatever its controller");
  app.add_flag(
      "--enable-ssl-passthrough", options.ssl_passthrough,
      "Hand TLS connections to backends unopened where the annotation ssl-passthrough asks "
      "for it");
  app.add_option("--default-backend-service", options.default_backend_service,
                 "NAMESPACE/NAME[:PORT] that serves what no rule matches")
      ->check(CLI::Validator(judge_service, "", "service"));
}

void add_serve_flags(CLI::App& app, ServeOptions& options, ServeFlags& flags) {
  app.add_option("--manifests", options.manifests,
                 "A YAML or JSON file, or a folder of them, watched; else the cluster is");
  app.add_option("--http-address", flags.http, "Where plain HTTP is accepted")
      ->capture_default_str();
  app.add_option("--https-address", flags.https, "Where TLS is accepted")->capture_default_str();
  app.add_option("--admin-address", flags.admin, "/healthz, /readyz, /metrics and /explain")
      ->capture_default_str();
  app.add_option("--public-http-port", options.server.options.public_http_port,
                 "The HTTP port clients see: in X-Forwarded-Port")
      ->check(CLI::Range(1, 65'535))
      ->capture_default_str();
  app.add_option("--public-https-port", options.server.options.public_https_port,
                 "The HTTPS port clients see: in X-Forwarded-Port and redirects")
      ->check(CLI::Range(1, 65'535))
      ->capture_default_str();
  app.add_option("--shutdown-grace-period", flags.grace_seconds,
                 "Seconds after SIGTERM, not ready any more, before the listeners close")
      ->check(CLI::Range(0, 86'400))
      ->capture_default_str();
  app.add_option("--worker-shutdown-timeout", flags.shutdown_seconds,
                 "Seconds that open work may take after the listeners closed")
      ->check(CLI::Range(0, 86'400))
      ->capture_default_str();
  app.add_option("--access-log", flags.access_log, "off, json or nginx (ingress-nginx's format)")
      ->check(CLI::IsMember({"off", "json", "nginx"}))
      ->capture_default_str();
  app.add_option("--access-log-path", options.server.access_log_path,
                 "A file; standard output where not given");
  app.add_option("--workers", flags.workers,
                 "Threads that serve; 0: the cores this process may use")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  app.add_option("--max-connections", flags.max_connections,
                 "Client connections that may be open; 0: no limit; -1: half of the descriptors "
                 "that this process may have")
      ->check(CLI::Range(-1, 1'000'000'000))
      ->capture_default_str();
  app.add_option("--max-connections-per-client", options.server.connections.per_client,
                 "Of them, those of one IPv4 address or IPv6 /64; 0: no limit")
      ->check(CLI::Range(0, 1'000'000'000))
      ->capture_default_str();
  app.add_option("--max-memory", options.server.max_memory_bytes,
                 "Memory near which requests are refused, as 512m or 2g; 0: the cgroup's limit")
      ->transform(CLI::AsSizeValue(false))
      ->capture_default_str();
  add_class_flags(app, options.translate);
  add_cluster_flags(app, options, flags.cluster);
}

int serve(ServeOptions& options, const ServeFlags& flags) {
  read_cluster_flags(flags.cluster, options);
  options.server.http = parse_address("--http-address", flags.http);
  options.server.https = parse_address("--https-address", flags.https);
  options.admin = parse_address("--admin-address", flags.admin);
  options.server.access_log = parse_log_format(flags.access_log);
  options.server.workers =
      flags.workers == 0 ? available_cores() : static_cast<std::size_t>(flags.workers);
  options.server.connections.total = flags.max_connections < 0
                                         ? connections_by_descriptors(net::raise_fd_limit())
                                         : static_cast<std::uint64_t>(flags.max_connections);
  options.shutdown_grace_period = std::chrono::seconds(flags.grace_seconds);
  options.worker_shutdown_timeout = std::chrono::seconds(flags.shutdown_seconds);
  return run_serve(options);
}

void add_explain_flags(CLI::App& app, ExplainOptions& options) {
  app.add_option("url", options.url, "http(s)://host/path")->required();
  app.add_option("--manifests", options.manifests, "A file or a folder to explain it by");
  app.add_option("--admin", options.admin,
                 "Or the admin address of a running one to ask: http://127.0.0.1:10254");
  add_class_flags(app, options.translate);
  add_settings_flags(app, options.translate);
}

int explain(const ExplainOptions& options) {
  if (options.manifests.empty() == options.admin.empty()) {
    throw CLI::ValidationError("explain", "give either --manifests PATH or --admin URL");
  }
  return run_explain(options, std::cout);
}

// Where the message alone would leave the user to guess.
std::string_view hint(const CLI::ParseError& error) {
  const bool is_unknown = dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr ||
                          dynamic_cast<const CLI::RequiredError*>(&error) != nullptr;
  return is_unknown ? " (portico --help and portico serve --help list what there is)" : "";
}

}  // namespace

int run(int argc, char** argv) {
  CLI::App app("Portico: Ingress controller and HTTP reverse proxy");
  app.name("portico");
  app.require_subcommand(1);

  ServeOptions serve_options;
  ServeFlags serve_flags;
  auto* serve_command = app.add_subcommand("serve", "The controller and the proxy");
  add_serve_flags(*serve_command, serve_options, serve_flags);

  CheckOptions check_options;
  auto* check_command = app.add_subcommand("check", "Reads manifests and prints every finding");
  check_command->add_option("path", check_options.paths, "Files and folders")->required();
  add_class_flags(*check_command, check_options.translate);
  add_settings_flags(*check_command, check_options.translate);

  ExplainOptions explain_options;
  auto* explain_command = app.add_subcommand("explain", "Which rule serves a URL, and why");
  add_explain_flags(*explain_command, explain_options);

  auto* version_command = app.add_subcommand("version", "Prints the version");

  try {
    app.parse(argc, argv);
    if (*serve_command) {
      return serve(serve_options, serve_flags);
    }
    if (*check_command) {
      return run_check(check_options, std::cout);
    }
    if (*explain_command) {
      return explain(explain_options);
    }
    if (*version_command) {
      fmt::print("portico {}\n", PORTICO_VERSION);
    }
    return 0;
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    fmt::print(stderr, "portico: {}{}\n", error.what(), hint(error));
    return kBadUsage;
  }
}

}  // namespace portico::cli
