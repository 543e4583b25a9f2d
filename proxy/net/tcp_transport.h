// Transports over plain sockets.
#pragma once

#include <memory>

#include "proxy/net/listener.h"
#include "proxy/net/transport.h"

namespace portico::net {

class Loop;

// Nothing is read before start().
std::unique_ptr<Transport> make_tcp_transport(Loop& loop, AcceptedSocket socket);

}  // namespace portico::net
