// Session affinity of one request: the endpoint that its cookie leads to, and the cookie that its
// answer sets.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "proxy/http/message.h"
#include "routing/affinity.h"
#include "routing/balance_spec.h"

namespace portico::exchange {

struct ChoiceRequest;

// The key of the session that a request's cookies name: by a cookie of this name that bears this
// backend (routing::AffinityTable::backend()). Empty: it has none. A view into `fields`.
std::string_view find_session(const http::FieldBlock& fields, std::string_view name,
                              std::string_view backend);

// Thread:    its exchange's worker.
// Lifetime:  a part of its exchange, used again for the next request after begin(). Keeps nothing
// of
//            the Config: the cookie is written when the endpoint is chosen.
class SessionAffinity {
 public:
  void begin() { set_cookie_.clear(); }

  // The index of the endpoint for the request's next try; table.endpoints() where all are skipped.
  std::size_t next(const routing::AffinitySpec& spec, const routing::AffinityTable& table,
                   const ChoiceRequest& request, routing::Lots& lots,
                   routing::AffinityTable::Skips skips);

  // The Set-Cookie of an answer by the last try's endpoint; empty: none.
  [[nodiscard]] std::string_view set_cookie() const { return set_cookie_; }

 private:
  std::string set_cookie_;
};

}  // namespace portico::exchange
