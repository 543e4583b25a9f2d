// The controlling half of `portico serve`: objects in, Snapshots out.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "controller/cli/external_names.h"
#include "controller/kube/source.h"
#include "controller/translate/translator.h"

namespace portico::cli {

// What the controller needs of the data plane: `adopted` is called, on the control loop, once every
// worker serves by `snapshot`.
using Publish = std::move_only_function<void(const routing::Snapshot& snapshot,
                                             std::move_only_function<void()> adopted)>;

// What the translator has just taken up, and the findings that this brought.
using Applied = std::move_only_function<void(std::span<const kube::Change> changes,
                                             const routing::Diagnostics& raised)>;

// Thread:    the control loop's.
// Lifetime:  outlives the calls of `adopted`.
class Controller {
 public:
  // `on_ready` is called once, when everything that was there at start is in every worker. A null
  // `resolver` leaves ExternalName Services without addresses.
  Controller(const translate::Options& options, std::unique_ptr<kube::DnsResolver> resolver,
             Publish publish, std::move_only_function<void()> on_ready, Applied on_applied = {});

  // Publishes nothing before the source is synced.
  void apply(kube::Batch batch);

  // See Translator.
  std::vector<kube::SecretUse> take_secret_uses() { return translator_.take_secret_uses(); }

  [[nodiscard]] const translate::Translator& translator() const { return translator_; }
  // The translator's and the source's findings, as they now are.
  [[nodiscard]] routing::Diagnostics findings() const;

 private:
  void take_addresses(const std::string& name, kube::Resolution known);
  void publish();
  void tell_applied(std::span<const kube::Change> changes, const routing::Diagnostics& raised);
  void log_new(const routing::Diagnostics& found);
  void log_reading(const routing::Diagnostics& all);

  Publish publish_;
  std::move_only_function<void()> on_ready_;
  Applied on_applied_;
  translate::Translator translator_;
  ExternalNames external_names_;
  routing::Diagnostics reading_;  // the source's findings as last logged
  bool synced_ = false;
  bool raised_unsynced_ = false;  // findings may have come before, and were not logged
};

// One line of the log; file and line where they are known.
std::string to_log_line(const routing::Diagnostic& diagnostic);

}  // namespace portico::cli
