#include "proxy/net/transport.h"

namespace portico::net {

std::string_view to_string(TransportError error) {
  switch (error) {
    case TransportError::kNone:
      return "no error";
    case TransportError::kReset:
      return "connection reset by the peer";
    case TransportError::kTimedOut:
      return "timed out";
    case TransportError::kTlsFailed:
      return "TLS failure";
    case TransportError::kConnectRefused:
      return "connection refused";
    case TransportError::kConnectFailed:
      return "connection failed";
    case TransportError::kOther:
      return "socket error";
  }
  return "unknown error";
}

}  // namespace portico::net
