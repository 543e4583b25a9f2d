// A request by what its backend's endpoint is chosen by consistent hashing.
#pragma once

#include <cstdint>
#include <optional>

#include "routing/hash_key.h"

namespace portico::exchange {

struct ChoiceRequest;

// Nothing where none of the key's variables has a value: such requests have nothing in common that
// should keep them together. Allocates nothing.
std::optional<std::uint64_t> hash_request(const routing::HashKey& key,
                                          const ChoiceRequest& request);

}  // namespace portico::exchange
