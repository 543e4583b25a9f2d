#include "controller/status/options.h"

#include <array>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <random>
#include <string_view>
#include <unistd.h>

#include <fmt/format.h>

namespace portico::status {
namespace {

constexpr const char* kNamespaceFile = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

std::string environment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody here sets any
  return value == nullptr ? "" : value;
}

std::string account_namespace() {
  std::ifstream file(kNamespaceFile);
  std::string text;
  std::getline(file, text);
  return text.empty() ? "default" : text;
}

std::string host_name() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

}  // namespace

void read_environment(Options& options) {
  if (options.namespace_.empty()) {
    options.namespace_ = environment("POD_NAMESPACE");
  }
  if (options.namespace_.empty()) {
    options.namespace_ = account_namespace();
  }
  if (options.pod.empty()) {
    options.pod = environment("POD_NAME");
  }
  if (options.identity.empty()) {
    // Two processes on one host are two replicas; a pod has one process at a time.
    options.identity = options.pod.empty()
                           ? fmt::format("{}-{:08x}", host_name(), std::random_device{}())
                           : options.pod;
  }
}

std::vector<std::string> split_addresses(const std::string& flag) {
  constexpr std::string_view kSpace = " \t";
  std::vector<std::string> addresses;
  std::string_view rest = flag;
  while (!rest.empty()) {
    const auto comma = rest.find(',');
    auto part = rest.substr(0, comma);
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    const auto begin = part.find_first_not_of(kSpace);
    if (begin != std::string_view::npos) {
      part = part.substr(begin, part.find_last_not_of(kSpace) - begin + 1);
      addresses.emplace_back(part);
    }
  }
  return addresses;
}

}  // namespace portico::status
