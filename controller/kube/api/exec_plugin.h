// Running a credential plugin beside the loop.
#pragma once

#include <chrono>
#include <expected>
#include <functional>
#include <memory>
#include <string>

#include "controller/kube/api/access.h"

namespace portico::net {
class Loop;
}

namespace portico::kube {

// A plugin at work. Destroying it kills the plugin, and nobody is told.
class PluginRun {
 public:
  virtual ~PluginRun() = default;
};

// What it printed, or why it failed in a line that begins with what happened ("exited with 1: …").
// Called once, never from inside start.
using PluginDone = std::move_only_function<void(std::expected<std::string, std::string>)>;
using PluginStarter = std::move_only_function<std::unique_ptr<PluginRun>(
    const ExecPlugin& plugin, const std::string& info, PluginDone done)>;

// Real processes. The loop is never blocked for longer than it takes to start one.
//
// Thread:    the loop's.
PluginStarter process_starter(net::Loop& loop,
                              std::chrono::milliseconds limit = std::chrono::seconds(30));

}  // namespace portico::kube
