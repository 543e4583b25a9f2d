// Which of a backend's endpoints each try of a request goes to.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include <absl/container/inlined_vector.h>

#include "proxy/exchange/client_facts.h"
#include "proxy/exchange/config.h"
#include "proxy/exchange/panics.h"
#include "proxy/exchange/session_affinity.h"
#include "proxy/http/message.h"
#include "routing/path.h"

namespace portico::exchange {

class Balancers;
class HealthGate;

// What of a request the choice may go by; borrowed for one call.
struct ChoiceRequest {
  const http::RequestHead& head;
  const routing::NormalTarget& target;
  const ClientFacts& client;
  std::string_view host;                                        // that is asked for
  std::string_view route_path;                                  // the rule's, as written
  std::string_view server_name;                                 // that the rule is for; empty: any
  routing::Strategy strategy = routing::Strategy::kRoundRobin;  // of backends that ask for none
  std::uint8_t panic_percent = 0;                               // the same
  std::chrono::milliseconds slow_start{0};                      // the same
};

// Remembers what was tried, so that the next try goes elsewhere where there is an elsewhere, steps
// over endpoints that are ejected (health_gate.h) as long as enough others serve, and tells the
// worker's load figures of each try, where the strategy goes by them.
//
// Endpoints that are near come first: a far one is asked where no near one is left.
//
//   begin  { next  { try_began  [try_answered | try_failed]  try_ended } }
//
// Thread:    its exchange's worker.
// Lifetime:  a part of its exchange, used again for the next request after begin().
class EndpointChoice {
 public:
  EndpointChoice(Balancers& balancers, HealthGate& health)
      : balancers_(balancers), health_(health) {}

  void begin() {
    tried_.clear();
    affinity_.begin();
    panicked_ = false;
  }

  // For the request's next try. `endpoints` are the backend's, plaintext or TLS, the same ones for
  // every try of a request; null where there is none.
  const Endpoint* next(routing::BackendId id, const Backend& backend,
                       std::span<const Endpoint> endpoints, const ChoiceRequest& request);

  // Of an answer by the endpoint of the last next(): its Set-Cookie, by session affinity; empty:
  // none.
  [[nodiscard]] std::string_view set_cookie() const { return affinity_.set_cookie(); }

  // Whether next() would give one that is neither tried nor ejected.
  [[nodiscard]] bool has_healthy(std::span<const Endpoint> endpoints) const;

  // Whether since begin() too few endpoints served, so that ejected ones could be chosen.
  [[nodiscard]] bool panicked() const { return panicked_; }

  // The one that next() gave is asked; perhaps once more, on another connection.
  void try_began(EndpointId endpoint) {
    if (counts_) {
      count_began(endpoint);
    }
  }
  // Its answer's head is here; one of the 5xx counts as a failure: who fails at once must not look
  // fast.
  void try_answered(std::uint16_t status) {
    if (try_) {
      count_outcome(status >= 500);
    }
  }
  void try_failed() {
    if (try_) {
      count_outcome(true);
    }
  }
  // It is over, whatever came of it. Without a try: nothing.
  void try_ended() {
    if (try_) {
      count_ended();
    }
  }

 private:
  struct Try {
    EndpointId endpoint;
    std::uint32_t life;  // the endpoint's: ids are used again
    std::chrono::steady_clock::time_point began;
    bool is_told;
  };
  struct Question;  // next()'s arguments

  std::size_t pick_healthy(const Question& question);
  std::size_t pick_serving(const Question& question);
  std::size_t pick_in_need(const Question& question);
  [[nodiscard]] Panics::Level panic_level(const Question& question);
  [[nodiscard]] bool was_tried(EndpointId endpoint) const;
  template <class Skips>
  std::size_t pick(const Question& question, Skips skips);
  template <class Skips>
  std::size_t pick_by_hash(const Question& question, std::uint64_t hash, Skips skips);
  template <class Skips>
  std::size_t pick_by_nearness(const Question& question, Skips skips);
  template <class Skips>
  std::size_t pick_by_strategy(const Question& question, std::span<const Endpoint> endpoints,
                               Skips skips);
  template <class Skips>
  std::size_t pick_by_weight(const Question& question, std::span<const Endpoint> endpoints,
                             Skips skips);
  std::size_t less_loaded(const Question& question, std::span<const Endpoint> endpoints,
                          std::size_t one, std::size_t other);

  void count_began(EndpointId endpoint);
  void count_outcome(bool is_failure);
  void count_ended();

  Balancers& balancers_;
  HealthGate& health_;
  SessionAffinity affinity_;
  absl::InlinedVector<EndpointId, 4> tried_;
  bool counts_ = false;  // the strategy goes by the load
  bool panicked_ = false;
  std::optional<Try> try_;
};

}  // namespace portico::exchange
