// How failures are told to gRPC clients.
#pragma once

#include <cstdint>
#include <string_view>

namespace portico::exchange {

// application/grpc, with a message format (+proto) and parameters or without; not gRPC-Web, whose
// clients read HTTP's statuses.
bool is_grpc(std::string_view content_type);

// The status that stands for an HTTP one, as gRPC's own table has it for answers of proxies, and
// Envoy; but that a size limit is RESOURCE_EXHAUSTED (8). Digits.
std::string_view grpc_status_of(std::uint16_t http_status);

}  // namespace portico::exchange
