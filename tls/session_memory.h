// The sessions that a client may resume. For this folder's .cc files only.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <absl/container/flat_hash_map.h>

#include "routing/shared_map.h"
#include "tls/mutex.h"
#include "tls/openssl.h"

namespace portico::tls {

// One session a server, the newest. Each is given once, since TLS 1.3's are good for one use only
// (RFC 8446 C.4); the server sends another with the connection that it resumes.
//
// Thread: shared; asked once a handshake.
class SessionMemory {
 public:
  void put(const std::string& server, SslSessionPtr session);
  // Null where there is none that is still good.
  SslSessionPtr take(std::string_view server);

 private:
  static constexpr std::size_t kMost = 1024;

  Mutex mutex_;
  absl::flat_hash_map<std::string, SslSessionPtr, routing::StringHash, std::equal_to<>> sessions_
      PORTICO_GUARDED_BY(mutex_);
};

}  // namespace portico::tls
