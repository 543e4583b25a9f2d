#include "controller/kube/api/idle_connections.h"

#include <utility>

namespace portico::kube {

std::unique_ptr<ApiConnection> IdleConnections::take(const Context& context) {
  std::erase_if(idle_, [&](const Idle& idle) { return idle.context != context; });
  if (idle_.empty()) {
    return nullptr;
  }
  auto connection = std::move(idle_.back().connection);
  idle_.pop_back();
  return connection;
}

void IdleConnections::give(std::unique_ptr<ApiConnection> connection, Context context) {
  if (idle_.size() == kMost) {
    idle_.erase(idle_.begin());
  }
  ApiConnection* const kept = connection.get();
  idle_.push_back({std::move(connection), std::move(context)});
  kept->keep(kLongest, [this, kept] {
    std::erase_if(idle_, [kept](const Idle& idle) { return idle.connection.get() == kept; });
  });
}

}  // namespace portico::kube
