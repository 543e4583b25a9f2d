#include "proxy/exchange/grpc_status.h"

#include "proxy/http/chars.h"

namespace portico::exchange {

bool is_grpc(std::string_view content_type) {
  constexpr std::string_view kType = "application/grpc";
  if (!http::starts_with_no_case(content_type, kType)) {
    return false;
  }
  const auto rest = content_type.substr(kType.size());
  return rest.empty() || rest.front() == '+' || rest.front() == ';' || rest.front() == ' ';
}

std::string_view grpc_status_of(std::uint16_t http_status) {
  switch (http_status) {
    case 400:
      return "13";  // INTERNAL
    case 401:
      return "16";  // UNAUTHENTICATED
    case 403:
      return "7";  // PERMISSION_DENIED
    case 404:
      return "12";  // UNIMPLEMENTED
    case 413:
    case 431:
      return "8";  // RESOURCE_EXHAUSTED
    case 429:
    case 502:
    case 503:
    case 504:
      return "14";  // UNAVAILABLE
    default:
      return "2";  // UNKNOWN
  }
}

}  // namespace portico::exchange
