// As whom requests are sent, now: tokens that rotate, plugins that are asked again.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "controller/kube/api/access.h"
#include "controller/kube/api/exec_credential.h"
#include "controller/kube/api/exec_plugin.h"
#include "controller/kube/api/reread_content.h"

namespace portico::kube {

struct Credential {
  std::string authorization;    // "Bearer …"; empty: none
  std::string certificate_pem;  // the client's; empty: none
  std::string key_pem;
  std::uint64_t version = 0;              // another whenever anything of it changed
  std::uint64_t certificate_version = 0;  // another whenever the certificate or key changed
};

// A decider: the clocks and the plugin's start are arguments.
//
// Thread:    the loop's.
// Lifetime:  destroying it ends a plugin that is at work.
// Errors:    one line that names file and field.
class Credentials {
 public:
  // A plugin's credential is not used in its last seconds, and a plugin that failed not asked again
  // at once: seven reflectors need it.
  static constexpr std::chrono::seconds kExpiryMargin{10};
  static constexpr std::chrono::seconds kPluginRest{5};

  struct World {
    SteadyClock clock;
    std::function<std::int64_t()> unix_seconds;
    PluginStarter start_plugin;
  };

  // `exec_info` as of exec_info(). `changed` is called when a plugin is done, never from inside a
  // call.
  Credentials(ApiUser user, std::string exec_info, World world,
              std::move_only_function<void()> changed);

  // What to send now. Null: a plugin is at work; `changed` will be called.
  std::expected<const Credential*, std::string> current();
  // The server answered 401 to what has `version`. True: current() says something else by now, or
  // will.
  bool refused(std::uint64_t version);

 private:
  std::expected<void, std::string> refresh_contents();
  [[nodiscard]] bool plugin_answer_holds() const;
  void start_plugin();
  void on_plugin(std::expected<std::string, std::string> answer);
  void compose();

  ApiUser user_;
  std::string exec_info_;
  World world_;
  std::move_only_function<void()> changed_;
  RereadContent token_;
  RereadContent certificate_;
  RereadContent key_;
  std::uint64_t composed_of_ = 0;  // the contents' versions added up
  Credential credential_;

  std::unique_ptr<PluginRun> run_;
  std::optional<PluginCredential> plugin_answer_;
  std::string plugin_failure_;
  std::chrono::steady_clock::time_point plugin_failed_at_;
};

}  // namespace portico::kube
