#include "controller/cli/check_words.h"

#include <chrono>

#include <fmt/format.h>

namespace portico::cli {
namespace {

using routing::HealthCheckSpec;

std::string question(const HealthCheckSpec& check) {
  switch (check.kind) {
    case HealthCheckSpec::Kind::kTcp:
      return "tcp";
    case HealthCheckSpec::Kind::kHttp:
      return "http " + check.path;
    case HealthCheckSpec::Kind::kGrpc:
      return check.grpc_service.empty() ? "grpc" : "grpc " + check.grpc_service;
  }
  return {};
}

}  // namespace

std::string check_words(const routing::BalanceSpec* balance) {
  if (balance == nullptr || !balance->health_check) {
    return {};
  }
  const auto& check = *balance->health_check;
  return fmt::format("{}{} every {:g} s", question(check),
                     check.port == 0 ? "" : fmt::format(" on port {}", check.port),
                     std::chrono::duration<double>(check.interval).count());
}

}  // namespace portico::cli
