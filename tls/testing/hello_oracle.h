// A ClientHello as OpenSSL's server reads it: the oracle of read_client_hello.
#pragma once

#include <optional>
#include <string_view>

#include "tls/client_hello.h"

namespace portico::tls::testing {

// Nothing: OpenSSL refuses it, or has not got all of it.
std::optional<ClientHello> openssl_reads(std::string_view bytes);

}  // namespace portico::tls::testing
