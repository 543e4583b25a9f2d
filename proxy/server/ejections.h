// Endpoints that are ejected or have returned, as people and connection pools are told.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include "proxy/exchange/config.h"

namespace portico::server {

// Looks at what is, and remembers what it was. An endpoint that was ejected and returned between
// two looks was never seen, and one whose ejection is prolonged is not told of again.
//
// Thread: the controller's.
class Ejections {
 public:
  struct News {
    std::vector<exchange::EndpointId> ejected;
    std::vector<std::string> lines;  // a sentence each; of very many only some
  };

  // What the line of an endpoint is to say that is put out now: "fails 21 % of its requests".
  void note(exchange::EndpointId endpoint, std::string why) { whys_[endpoint] = std::move(why); }

  // What is new in a Config's endpoints.
  News look(const exchange::Config& config);

 private:
  absl::flat_hash_set<exchange::EndpointId> out_;
  absl::flat_hash_map<exchange::EndpointId, std::string> whys_;  // until the next look
};

// Of the backend by this key: "10.0.0.1:80, 10.0.0.2:80"; "" none. Looks for it among all.
[[nodiscard]] std::string ejected_endpoints(const exchange::Config& config,
                                            std::string_view backend);

// Whether it is stepped over now.
[[nodiscard]] bool is_ejected(const exchange::Endpoint& endpoint);

}  // namespace portico::server
