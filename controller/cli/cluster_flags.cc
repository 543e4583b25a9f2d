#include "controller/cli/cluster_flags.h"

#include <charconv>
#include <chrono>
#include <optional>
#include <string_view>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace portico::cli {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kNameCharacters = "abcdefghijklmnopqrstuvwxyz0123456789-.";

bool is_name(std::string_view text) {
  return !text.empty() && text.find_first_not_of(kNameCharacters) == std::string_view::npos;
}

// Each says what is wrong; empty: nothing.
std::string judge_namespace(const std::string& text) {
  return is_name(text) ? "" : fmt::format("\"{}\" is no namespace's name", text);
}

std::string judge_object(const std::string& text) {
  const auto slash = text.find('/');
  const bool good = slash != std::string::npos &&
                    is_name(std::string_view(text).substr(0, slash)) &&
                    is_name(std::string_view(text).substr(slash + 1));
  return good ? "" : fmt::format("\"{}\" is not NAMESPACE/NAME", text);
}

// A duration as Go writes it: "15s", "1m30s", "500ms".
std::optional<milliseconds> parse_duration(std::string_view text) {
  milliseconds sum{0};
  if (text.empty() || text.size() > 20) {
    return std::nullopt;
  }
  while (!text.empty()) {
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || number < 0) {
      return std::nullopt;
    }
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    const auto unit = text.substr(0, text.find_first_of("0123456789"));
    text.remove_prefix(unit.size());
    if (unit == "ms") {
      sum += milliseconds(number);
    } else if (unit == "s") {
      sum += std::chrono::seconds(number);
    } else if (unit == "m") {
      sum += std::chrono::minutes(number);
    } else if (unit == "h") {
      sum += std::chrono::hours(number);
    } else {
      return std::nullopt;
    }
  }
  return sum;
}

void add_reading_flags(CLI::App& app, ServeOptions& options, ClusterFlags& flags) {
  app.add_option(
      "--kubeconfig", options.access.kubeconfig,
      "Kubeconfig of the cluster to serve; else $KUBECONFIG, else the pod's own account");
  app.add_option("--context", options.access.context,
                 "Context of the kubeconfig; else its current one");
  app.add_option("--watch-namespace", options.scope.namespace_,
                 "Namespace whose objects are read; else all")
      ->check(CLI::Validator(judge_namespace, "", "namespace"));
  app.add_option("--watch-namespace-selector", flags.namespace_selector,
                 "Labels of the namespaces whose objects are read, such as team=web");
  auto& here = options.translate.location;
  app.add_option("--zone", here.zone,
                 "Zone that this replica runs in, for Services that prefer near endpoints")
      ->envname("NODE_ZONE");
  app.add_option("--node-name", here.node, "Node that this replica runs on, for the same")
      ->envname("NODE_NAME");
}

void add_status_flags(CLI::App& app, status::Options& status, ClusterFlags& flags) {
  app.add_option("--publish-service", status.publish_service,
                 "NAMESPACE/NAME of the Service whose addresses go to the Ingresses' status")
      ->check(CLI::Validator(judge_object, "", "service"));
  app.add_option("--publish-status-address", flags.publish_status_address,
                 "Addresses or names for the Ingresses' status, separated by commas");
  app.add_flag("--report-node-internal-ip-address", status.report_node_internal_ip,
               "Without the two above: the nodes' internal addresses, not the external ones");
  app.add_flag("--update-status", status.update_status, "Write the Ingresses' status")
      ->capture_default_str();
  app.add_flag("--update-status-on-shutdown", status.update_on_shutdown,
               "Clear that status when the last replica ends")
      ->capture_default_str();
  app.add_option("--election-id", status.election.lease_name,
                 "Name of the Lease by which replicas choose who writes")
      ->check(CLI::Validator(judge_namespace, "", "lease"))
      ->capture_default_str();
  app.add_option("--election-ttl", flags.election_ttl,
                 "How long a leader may be silent, such as 15s");
  app.add_flag("--disable-leader-election", status.election.disabled, "This replica always writes");
}

}  // namespace

void add_settings_flags(CLI::App& app, translate::Options& options) {
  app.add_option("--configmap", options.config_map,
                 "NAMESPACE/NAME of the ConfigMap with settings for all Ingresses")
      ->check(CLI::Validator(judge_object, "", "configmap"));
  app.add_option("--default-ssl-certificate", options.default_ssl_certificate,
                 "NAMESPACE/NAME of the Secret whose certificate serves where no other does")
      ->check(CLI::Validator(judge_object, "", "secret"));
  app.add_option("--tls-ticket-keys-secret", options.ticket_keys_secret,
                 "NAMESPACE/NAME of the Secret with the keys of TLS session tickets, by which "
                 "replicas resume each other's sessions")
      ->check(CLI::Validator(judge_object, "", "secret"));
}

void add_cluster_flags(CLI::App& app, ServeOptions& options, ClusterFlags& flags) {
  add_reading_flags(app, options, flags);
  add_settings_flags(app, options.translate);
  add_status_flags(app, options.status, flags);
}

void read_cluster_flags(const ClusterFlags& flags, ServeOptions& options) {
  if (!options.manifests.empty() &&
      (!options.access.kubeconfig.empty() || !options.access.context.empty())) {
    throw CLI::ValidationError("serve", "give either --manifests or --kubeconfig and --context");
  }
  if (!options.scope.namespace_.empty() && !flags.namespace_selector.empty()) {
    throw CLI::ValidationError("serve",
                               "give either --watch-namespace or --watch-namespace-selector");
  }
  if (!options.status.publish_service.empty() && !flags.publish_status_address.empty()) {
    throw CLI::ValidationError("serve",
                               "give either --publish-service or --publish-status-address");
  }
  if (!flags.namespace_selector.empty()) {
    auto selector = kube::LabelSelector::parse(flags.namespace_selector);
    if (!selector) {
      throw CLI::ValidationError("--watch-namespace-selector", selector.error());
    }
    options.scope.namespaces = std::move(*selector);
  }
  if (!flags.election_ttl.empty()) {
    constexpr milliseconds kShortest{1000};
    const auto ttl = parse_duration(flags.election_ttl);
    if (!ttl || *ttl < kShortest) {
      throw CLI::ValidationError(
          "--election-ttl",
          fmt::format("\"{}\" is not a time of a second or more, such as 15s or 1m30s",
                      flags.election_ttl));
    }
    options.status.election.ttl = *ttl;
  }
  options.status.publish_status_addresses = status::split_addresses(flags.publish_status_address);
  options.status.watch_namespace = options.scope.namespace_;
  options.scope.config_map = options.translate.config_map;
  options.scope.publish_service = options.status.publish_service;
  options.scope.default_backend_service = options.translate.default_backend_service;
  options.scope.default_certificate = options.translate.default_ssl_certificate;
  options.scope.ticket_keys = options.translate.ticket_keys_secret;
  options.translate.classes.classless_folder = !options.manifests.empty();
}

}  // namespace portico::cli
