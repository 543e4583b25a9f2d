#include "controller/cli/controller.h"

#include <algorithm>
#include <utility>

#include <spdlog/spdlog.h>

#include "controller/kube/locator.h"

namespace portico::cli {
namespace {

spdlog::level::level_enum level_of(routing::Severity severity) {
  switch (severity) {
    case routing::Severity::kError:
      return spdlog::level::err;
    case routing::Severity::kWarning:
      return spdlog::level::warn;
    case routing::Severity::kInfo:
      break;
  }
  return spdlog::level::info;
}

}  // namespace

std::string to_log_line(const routing::Diagnostic& diagnostic) {
  std::string line;
  if (!diagnostic.file.empty()) {
    line.append(diagnostic.file).append(":").append(std::to_string(diagnostic.line)).append(": ");
  }
  if (!diagnostic.object.name.empty()) {
    line.append(diagnostic.object.to_string()).append(": ");
  }
  if (!diagnostic.field.empty()) {
    line.append(diagnostic.field).append(": ");
  }
  line.append(diagnostic.message);
  if (!diagnostic.fix.empty()) {
    line.append(" ").append(diagnostic.fix);
  }
  return line;
}

Controller::Controller(const translate::Options& options, server::Server& server,
                       std::move_only_function<void()> on_ready)
    : server_(server), on_ready_(std::move(on_ready)), translator_(options) {}

void Controller::apply(kube::Batch batch) {
  if (batch.diagnostics_changed) {
    log_reading(batch.diagnostics);
  }
  const auto outcome = translator_.apply(batch.changes);
  log_new(outcome.raised);
  const bool first = batch.synced && !std::exchange(synced_, synced_ || batch.synced);
  if (first || outcome.impact != translate::Impact::kIrrelevant) {
    publish();
  }
}

void Controller::publish() {
  server_.publish(translator_.snapshot(), [this, ready = synced_] {
    if (ready && on_ready_) {
      std::exchange(on_ready_, nullptr)();
    }
  });
}

void Controller::log_new(const routing::Diagnostics& found) {
  auto located = found;
  kube::Locator().locate(located);
  for (const auto& diagnostic : located) {
    spdlog::log(level_of(diagnostic.severity), "{}", to_log_line(diagnostic));
  }
}

// The source tells all its findings each time; what was logged before is not logged again.
void Controller::log_reading(const routing::Diagnostics& all) {
  for (const auto& diagnostic : all) {
    if (std::ranges::find(reading_, diagnostic) == reading_.end()) {
      spdlog::log(level_of(diagnostic.severity), "{}", to_log_line(diagnostic));
    }
  }
  reading_ = all;
}

}  // namespace portico::cli
