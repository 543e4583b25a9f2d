// What follows a 101: WebSocket messages sent back, or, for `Upgrade: raw`, plain bytes.
#pragma once

#include "e2e/echo/request.h"
#include "e2e/echo/stream.h"

namespace portico::echo {

// True if the request asks for a protocol this backend speaks.
bool wants_tunnel(const Request& request);

// Answers 101 and echoes until the client ends. A raw tunnel whose client has finished writing
// still gets `bye\n`, so that a half-closed tunnel can be told from a closed one.
void run_tunnel(Stream& stream, const Request& request);

}  // namespace portico::echo
