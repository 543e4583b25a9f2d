// What RouteTable must do, written for clearness: every rule of every host looked at, one at a
// time.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "routing/snapshot.h"

namespace portico::routing::testing {

// The rule that serves `path` of `host`, or null. For rules whose paths hold no escapes and no dot
// segments.
const RouteSpec* naive_match(const std::vector<HostSpec>& hosts, std::string_view host,
                             std::string_view path);

}  // namespace portico::routing::testing
