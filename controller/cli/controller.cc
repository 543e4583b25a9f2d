#include "controller/cli/controller.h"

#include <unordered_set>
#include <utility>

#include <spdlog/spdlog.h>

#include "controller/cli/finding_line.h"
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
    line.append("; ").append(diagnostic.fix);
  }
  return one_line(std::move(line));
}

Controller::Controller(const translate::Options& options,
                       std::unique_ptr<kube::DnsResolver> resolver, Publish publish,
                       std::move_only_function<void()> on_ready, Applied on_applied)
    : publish_(std::move(publish)),
      on_ready_(std::move(on_ready)),
      on_applied_(std::move(on_applied)),
      translator_(options),
      external_names_(std::move(resolver), [this](const std::string& name, kube::Resolution known) {
        take_addresses(name, std::move(known));
      }) {}

void Controller::apply(kube::Batch batch) {
  if (batch.diagnostics_changed) {
    log_reading(batch.diagnostics);
  }
  const auto outcome = translator_.apply(batch.changes);
  const bool first = batch.synced && !std::exchange(synced_, synced_ || batch.synced);
  if (first || (synced_ && outcome.impact != translate::Impact::kIrrelevant)) {
    publish();
  }
  // Reads files again for their lines: after what clients wait for. What is amiss while not all has
  // been read may be mended by the rest.
  if (!synced_) {
    raised_unsynced_ = true;
  } else {
    const bool all = first && raised_unsynced_;
    log_new(all ? translator_.diagnostics() : outcome.raised);
  }
  external_names_.want(translator_.external_names());
  tell_applied(batch.changes, outcome.raised);
}

void Controller::take_addresses(const std::string& name, kube::Resolution known) {
  const auto outcome = translator_.set_external_addresses(name, std::move(known.addresses),
                                                          std::move(known.failure));
  if (synced_ && outcome.impact != translate::Impact::kIrrelevant) {
    publish();
  }
  log_new(outcome.raised);
  tell_applied({}, outcome.raised);
}

routing::Diagnostics Controller::findings() const {
  auto all = translator_.diagnostics();
  all.insert(all.end(), reading_.begin(), reading_.end());
  return all;
}

void Controller::publish() {
  publish_(translator_.snapshot(), [this, ready = synced_] {
    if (ready && on_ready_) {
      std::exchange(on_ready_, nullptr)();
    }
  });
}

void Controller::tell_applied(std::span<const kube::Change> changes,
                              const routing::Diagnostics& raised) {
  if (on_applied_) {
    on_applied_(changes, raised);
  }
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
  std::unordered_set<std::string> logged;
  for (const auto& diagnostic : reading_) {
    logged.insert(to_log_line(diagnostic));
  }
  for (const auto& diagnostic : all) {
    if (const auto line = to_log_line(diagnostic); !logged.contains(line)) {
      spdlog::log(level_of(diagnostic.severity), "{}", line);
    }
  }
  reading_ = all;
}

}  // namespace portico::cli
