#include "tls/session_memory.h"

#include <utility>

namespace portico::tls {

void SessionMemory::put(const std::string& server, SslSessionPtr session) {
  if (session == nullptr || SSL_SESSION_is_resumable(session.get()) != 1) {
    return;
  }
  const MutexLock lock(mutex_);
  if (sessions_.size() >= kMost && !sessions_.contains(server)) {
    sessions_.clear();  // servers that are gone are not told apart; the others start anew
  }
  sessions_.insert_or_assign(server, std::move(session));
}

SslSessionPtr SessionMemory::take(std::string_view server) {
  const MutexLock lock(mutex_);
  const auto found = sessions_.find(server);
  if (found == sessions_.end()) {
    return nullptr;
  }
  auto session = std::move(found->second);
  sessions_.erase(found);
  return session;
}

}  // namespace portico::tls
