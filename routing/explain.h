// Why a request goes where it goes.
#pragma once

#include <string>
#include <vector>

#include "routing/route_table.h"

namespace portico::routing {

enum class Verdict : std::uint8_t {
  kWins,
  kOutranked,     // matches, but a better rank does too
  kShadowed,      // outranked by one that matches exactly the same requests: it never wins
  kOtherPath,     // its path does not match
  kDefaultRoute,  // the default route, and a rule matches
};
std::string_view to_string(Verdict verdict);

struct Candidate {
  const Route* route = nullptr;
  std::string_view
      host;  // Hostname::text() of its rule; empty for any host and for the default route
  Verdict verdict = Verdict::kOtherPath;
  std::string text;  // "Prefix /api of Ingress shop/web: matches, but Exact /api of Ingress
                     // shop/old ... is Exact"
};

// Every route that was considered for the request, in order of precedence: those of the exact host,
// of the wildcard, of any host, then the default route. At most one wins: the one that match()
// returns.
//
// Lifetime: points into `table`.
std::vector<Candidate> explain(const RouteTable& table, const RouteRequest& request);

}  // namespace portico::routing
