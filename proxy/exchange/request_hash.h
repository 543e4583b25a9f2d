// A request by what its backend's endpoint is chosen by consistent hashing.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "proxy/http/message.h"
#include "routing/hash_key.h"

namespace portico::exchange {

struct ChoiceRequest;

// Nothing where none of the key's variables has a value: such requests have nothing in common that
// should keep them together. Allocates nothing.
std::optional<std::uint64_t> hash_request(const routing::HashKey& key,
                                          const ChoiceRequest& request);

// The value of the first cookie of that name, which is compared in any case, as nginx does; nothing
// where there is none, or an empty one. A view into `fields`.
std::optional<std::string_view> find_cookie(const http::FieldBlock& fields, std::string_view name);

}  // namespace portico::exchange
