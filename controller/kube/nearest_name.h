// "Did you mean ...?"
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace portico::kube {

// The one of `known` that `name` was most likely meant to be: equal but for case, or a few typing
// errors away. None where nothing is near.
std::optional<std::string_view> nearest_name(std::string_view name,
                                             std::span<const std::string_view> known);

}  // namespace portico::kube
