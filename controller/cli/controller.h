// The controlling half of `portico serve`: objects in, Configs out.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "controller/kube/source.h"
#include "controller/translate/translator.h"
#include "proxy/net/loop.h"
#include "proxy/server/server.h"

namespace portico::cli {

// Thread:    the control loop's.
// Lifetime:  the server outlives it.
class Controller {
 public:
  // `on_ready` is called once, when everything that was there at start is in every worker.
  Controller(const translate::Options& options, server::Server& server,
             std::move_only_function<void()> on_ready);

  void apply(kube::Batch batch);

  [[nodiscard]] const translate::Translator& translator() const { return translator_; }

 private:
  void publish();
  void log_new(const routing::Diagnostics& found);
  void log_reading(const routing::Diagnostics& all);

  server::Server& server_;
  std::move_only_function<void()> on_ready_;
  translate::Translator translator_;
  routing::Diagnostics reading_;  // the source's findings as last logged
  bool synced_ = false;
};

// One line of the log; file and line where they are known.
std::string to_log_line(const routing::Diagnostic& diagnostic);

}  // namespace portico::cli
