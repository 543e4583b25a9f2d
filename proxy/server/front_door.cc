#include "proxy/server/front_door.h"

#include <utility>

#include "proxy/net/tcp_transport.h"
#include "proxy/net/tls_transport.h"
#include "proxy/server/take_out.h"
#include "tls/engine.h"

namespace portico::server {

// One connection on its way.
class FrontDoor::Arrival final : public exchange::Mortal {
 public:
  Arrival(FrontDoor& door, std::unique_ptr<net::Transport> below)
      : shaking_(door.context_.loop, std::move(below),
                 tls::Engine::server(door.context_.config->config().tls,
                                     door.context_.config->config().certificates, &door.policies_),
                 door.context_.options.handshake_timeout, [this, &door](auto result) {
                   if (result) {
                     door.owner_.serve(std::move(*result));
                   } else {
                     ++door.metrics_.handshake_failures;
                   }
                   door.end(*this);
                 }) {}

  std::size_t index = 0;  // in arrivals_

 private:
  net::TlsHandshake shaking_;
};

FrontDoor::FrontDoor(const exchange::Context& context, exchange::Reaper& reaper, Metrics& metrics,
                     FrontDoorOwner& owner)
    : context_(context), reaper_(reaper), metrics_(metrics), owner_(owner), policies_(context) {}

FrontDoor::~FrontDoor() = default;

void FrontDoor::enter_http(net::AcceptedSocket socket) {
  ++metrics_.accepted_http;
  owner_.serve(net::make_tcp_transport(context_.loop, std::move(socket)));
}

void FrontDoor::enter_https(net::AcceptedSocket socket) {
  ++metrics_.accepted_https;
  auto& arrival = arrivals_.emplace_back(
      std::make_unique<Arrival>(*this, net::make_tcp_transport(context_.loop, std::move(socket))));
  arrival->index = arrivals_.size() - 1;
}

void FrontDoor::end(Arrival& arrival) {
  reaper_.take(take_out(arrivals_, arrival.index));
  owner_.on_arrival_ended();
}

}  // namespace portico::server
