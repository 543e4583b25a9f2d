// Which of a backend's endpoints each try of a request goes to.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "proxy/exchange/client_facts.h"
#include "proxy/exchange/config.h"
#include "proxy/http/message.h"
#include "routing/path.h"

namespace portico::exchange {

class Balancers;

// What of a request the choice may go by; borrowed for one call.
struct ChoiceRequest {
  const http::RequestHead& head;
  const routing::NormalTarget& target;
  const ClientFacts& client;
  std::string_view host;
};

// Remembers what was tried, so that the next try goes elsewhere where there is an elsewhere.
//
// Thread:    its exchange's worker.
// Lifetime:  a part of its exchange, used again for the next request after begin().
class EndpointChoice {
 public:
  explicit EndpointChoice(Balancers& balancers) : balancers_(balancers) {}

  void begin() { tries_ = 0; }

  // For the request's next try. `endpoints` are the backend's, plaintext or TLS, the same ones for
  // every try of a request; null where there is none.
  const Endpoint* next(routing::BackendId id, const Backend& backend,
                       std::span<const Endpoint> endpoints, const ChoiceRequest& request);

 private:
  Balancers& balancers_;
  std::size_t first_ = 0;
  std::size_t tries_ = 0;
};

}  // namespace portico::exchange
