// Connections that wait for the next call.
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "controller/kube/api/api_connection.h"

namespace portico::tls {
class ClientContext;
}

namespace portico::kube {

// Thread:    the loop's.
// Memory:    kMost connections, each for kLongest; older ones go first.
class IdleConnections {
 public:
  static constexpr std::size_t kMost = 8;
  static constexpr std::chrono::seconds kLongest{60};
  using Context = std::shared_ptr<const tls::ClientContext>;  // null: plain

  // The one that was used last and made under `context`, or null. Others' are closed: whom we trust
  // or who we are has changed.
  std::unique_ptr<ApiConnection> take(const Context& context);
  void give(std::unique_ptr<ApiConnection> connection, Context context);
  void clear() { idle_.clear(); }
  [[nodiscard]] std::size_t size() const { return idle_.size(); }

 private:
  struct Idle {
    std::unique_ptr<ApiConnection> connection;
    Context context;
  };
  std::vector<Idle> idle_;  // the one that was used last behind
};

}  // namespace portico::kube
