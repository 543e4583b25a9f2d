#include "proxy/exchange/endpoint_choice.h"

#include "proxy/exchange/context.h"

namespace portico::exchange {

const Endpoint* EndpointChoice::next(routing::BackendId id, const Backend& /*backend*/,
                                     std::span<const Endpoint> endpoints,
                                     const ChoiceRequest& /*request*/) {
  if (endpoints.empty()) {
    return nullptr;
  }
  if (tries_ == 0) {
    first_ = balancers_.pick(id, endpoints.size());
  }
  return &endpoints[(first_ + tries_++) % endpoints.size()];
}

}  // namespace portico::exchange
