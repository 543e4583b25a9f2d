#include "proxy/server/doorkeeper.h"

#include <memory>
#include <string_view>

namespace portico::server {
namespace {

constexpr std::string_view kFarewell =
    "HTTP/1.1 503 Service Unavailable\r\n"
    "Server: portico\r\n"
    "Content-Length: 0\r\n"
    "Retry-After: 1\r\n"
    "Connection: close\r\n"
    "\r\n";

}  // namespace

bool Doorkeeper::admit(net::AcceptedSocket& socket, Speaks speaks) {
  if (context_.pressure == exchange::Pressure::kCritical) {
    return refuse(socket, speaks, refused_.no_memory);
  }
  auto ticket = std::make_unique<ConnectionTicket>(limits_);
  if (!ticket->enter()) {
    if (!owner_.let_idle_go()) {
      return refuse(socket, speaks, refused_.too_many);
    }
    ticket->enter_for_one_that_leaves();
  }
  const bool announced_later =
      context_.config->config().settings->client_address.use_proxy_protocol;
  if (!announced_later && !ticket->enter_for(socket.peer())) {
    return refuse(socket, speaks, refused_.too_many_of_client);
  }
  socket.attach(std::move(ticket));
  return true;
}

bool Doorkeeper::refuse(net::AcceptedSocket& socket, Speaks speaks, std::uint64_t& count) {
  ++count;
  socket.refuse(speaks == Speaks::kHttp ? kFarewell : std::string_view());
  return false;
}

}  // namespace portico::server
