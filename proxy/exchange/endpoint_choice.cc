#include "proxy/exchange/endpoint_choice.h"

#include <algorithm>

#include "proxy/exchange/balancers.h"
#include "proxy/exchange/endpoint_share.h"
#include "proxy/exchange/health_gate.h"
#include "proxy/exchange/request_hash.h"

namespace portico::exchange {

using routing::Strategy;

struct EndpointChoice::Question {
  routing::BackendId id;
  const Backend& backend;
  std::span<const Endpoint> endpoints;
  const ChoiceRequest& request;
  Strategy strategy;
  SlowStart slow_start;
  Panics::Level panic = Panics::Level::kNone;

  [[nodiscard]] bool weighs() const { return slow_start.is_on() || !backend.weights.is_even(); }
};

namespace {

Strategy strategy_of(const Backend& backend, const ChoiceRequest& request) {
  const auto* balance = backend.spec->balance.get();
  return balance == nullptr ? request.strategy : balance->strategy.value_or(request.strategy);
}

std::chrono::milliseconds slow_start_of(const Backend& backend, const ChoiceRequest& request) {
  const auto* balance = backend.spec->balance.get();
  return balance == nullptr ? request.slow_start : balance->slow_start.value_or(request.slow_start);
}

}  // namespace

const Endpoint* EndpointChoice::next(routing::BackendId id, const Backend& backend,
                                     std::span<const Endpoint> endpoints,
                                     const ChoiceRequest& request) {
  if (endpoints.empty()) {
    return nullptr;
  }
  const auto strategy = strategy_of(backend, request);
  counts_ = strategy == Strategy::kLeastRequests || strategy == Strategy::kEwma;
  Question question{
      .id = id,
      .backend = backend,
      .endpoints = endpoints,
      .request = request,
      .strategy = strategy,
      .slow_start = {.length = slow_start_of(backend, request), .now = health_.now()}};
  question.panic = panic_level(question);
  const auto picked = pick_healthy(question);
  tried_.push_back(endpoints[picked].id);
  return &endpoints[picked];
}

Panics::Level EndpointChoice::panic_level(const Question& question) {
  const auto* balance = question.backend.spec->balance.get();
  const auto percent = balance == nullptr
                           ? question.request.panic_percent
                           : balance->panic_percent.value_or(question.request.panic_percent);
  if (percent == 0 || !health_.heeds()) {
    return Panics::Level::kNone;
  }
  return balancers_.panics().look(question.id, question.backend, question.endpoints, percent);
}

std::size_t EndpointChoice::pick_healthy(const Question& question) {
  if (question.panic != Panics::Level::kAll) {
    if (const auto picked = pick_serving(question); picked != question.endpoints.size()) {
      return picked;
    }
  }
  return pick_in_need(question);
}

// One that was neither tried nor ejected.
std::size_t EndpointChoice::pick_serving(const Question& question) {
  const auto endpoints = question.endpoints;
  while (true) {
    const auto picked = pick(question, [&](std::size_t index) {
      return was_tried(endpoints[index].id) || health_.is_shut(endpoints[index]);
    });
    if (picked == endpoints.size() || health_.enter(endpoints[picked])) {
      return picked;
    }
  }
}

// One that was not tried comes before all others, since nothing that is sent goes to an endpoint
// twice; then one that is not ejected. Where all are, it is as if none were. Whatever the pick says
// there, other threads may have said otherwise while it looked.
std::size_t EndpointChoice::pick_in_need(const Question& question) {
  const auto endpoints = question.endpoints;
  const auto tried = [&](std::size_t index) { return was_tried(endpoints[index].id); };
  const auto shut = [&](std::size_t index) { return health_.is_shut(endpoints[index]); };
  panicked_ |= health_.heeds() && (tried_.empty() || question.panic == Panics::Level::kAll);
  auto picked = pick(question, tried);
  if (picked == endpoints.size()) {
    picked = pick(question, shut);
  }
  if (picked == endpoints.size()) {
    picked = pick(question, [](std::size_t) { return false; });
  }
  picked = std::min(picked, endpoints.size() - 1);
  health_.enter_anyway(endpoints[picked]);
  return picked;
}

bool EndpointChoice::has_healthy(std::span<const Endpoint> endpoints) const {
  return std::ranges::any_of(endpoints, [this](const Endpoint& endpoint) {
    return !was_tried(endpoint.id) && !health_.is_shut(endpoint);
  });
}

bool EndpointChoice::was_tried(EndpointId endpoint) const {
  return std::ranges::find(tried_, endpoint) != tried_.end();
}

template <class Skips>
std::size_t EndpointChoice::pick(const Question& question, Skips skips) {
  if (const auto& sessions = question.backend.affinity; sessions != nullptr) {
    return affinity_.next(*question.backend.spec->balance->affinity, *sessions, question.request,
                          balancers_.lots(), skips);
  }
  if (!question.backend.hash_key.pieces().empty()) {
    if (const auto hash = hash_request(question.backend.hash_key, question.request)) {
      return pick_by_hash(question, *hash, skips);
    }
  }
  return pick_by_nearness(question, skips);
}

template <class Skips>
std::size_t EndpointChoice::pick_by_hash(const Question& question, std::uint64_t hash,
                                         Skips skips) {
  const auto& ring = *question.backend.ring;
  const auto& balance = *question.backend.spec->balance;
  if (balance.hash_subset) {
    std::array<std::uint16_t, routing::kMaxHashSubset> members;
    const auto size = std::min<std::size_t>(balance.hash_subset_size, members.size());
    const auto count = ring.find_several(hash, std::span(members).first(size));
    const auto member = routing::pick_random(
        count, balancers_.lots(), [&](std::size_t index) { return skips(members[index]); });
    if (member != count) {
      return members[member];
    }
  }
  const auto found = ring.find(hash, skips);
  return found == ring.endpoints() ? question.endpoints.size() : found;
}

template <class Skips>
std::size_t EndpointChoice::pick_by_nearness(const Question& question, Skips skips) {
  const auto near = question.backend.near_endpoints;
  const bool some_are_far = near != 0 && near < question.endpoints.size();
  if (some_are_far && question.panic == Panics::Level::kNone) {
    const auto picked = pick_by_strategy(question, question.endpoints.first(near), skips);
    if (picked != near) {
      return picked;
    }
  }
  return pick_by_strategy(question, question.endpoints, skips);
}

template <class Skips>
std::size_t EndpointChoice::pick_by_strategy(const Question& question,
                                             std::span<const Endpoint> endpoints, Skips skips) {
  if (question.weighs()) {
    return pick_by_weight(question, endpoints, skips);
  }
  if (question.strategy == Strategy::kRoundRobin) {
    const bool tls = endpoints.data() == question.backend.tls_endpoints.data();
    return balancers_.next_turn(question.id, tls, endpoints, skips);
  }
  if (question.strategy == Strategy::kRandom) {
    return routing::pick_random(endpoints.size(), balancers_.lots(), skips);
  }
  const auto [one, other] = routing::pick_two(endpoints.size(), balancers_.lots(), skips);
  return less_loaded(question, endpoints, one, other);
}

template <class Skips>
std::size_t EndpointChoice::pick_by_weight(const Question& question,
                                           std::span<const Endpoint> endpoints, Skips skips) {
  const auto& backend = question.backend;
  if (question.strategy == Strategy::kRoundRobin) {
    return balancers_.next_turn_by_weight(question.id, backend, endpoints, question.slow_start,
                                          skips);
  }
  const auto weight_at = [&](std::size_t index) { return endpoints[index].weight; };
  const auto part_at = [&](std::size_t index) {
    return question.slow_start.part_of(endpoints[index]);
  };
  const auto count = endpoints.size();
  const auto& table = count == question.endpoints.size() ? backend.weights : backend.near_weights;
  if (question.strategy == Strategy::kRandom) {
    return routing::pick_by_weight(count, table, balancers_.lots(), weight_at, part_at, skips);
  }
  const auto [one, other] =
      routing::pick_two_by_weight(count, table, balancers_.lots(), weight_at, part_at, skips);
  return less_loaded(question, endpoints, one, other);
}

std::size_t EndpointChoice::less_loaded(const Question& question,
                                        std::span<const Endpoint> endpoints, std::size_t one,
                                        std::size_t other) {
  if (one == other) {
    return one;
  }
  const auto load_of_one = balancers_.load(endpoints[one].id);
  const auto& load_of_other = balancers_.load(endpoints[other].id);
  const auto share_of_one = question.slow_start.share_of(endpoints[one]);
  const auto share_of_other = question.slow_start.share_of(endpoints[other]);
  const bool other_is_better =
      question.strategy == Strategy::kEwma
          ? routing::is_faster(load_of_other, load_of_one, health_.now(), share_of_other,
                               share_of_one)
          : routing::has_fewer_open(load_of_other, load_of_one, share_of_other, share_of_one);
  return other_is_better ? other : one;
}

void EndpointChoice::count_began(EndpointId endpoint) {
  try_ = Try{.endpoint = endpoint,
             .life = balancers_.life(endpoint),
             .began = std::chrono::steady_clock::now(),
             .is_told = false};
  balancers_.load(endpoint).began();
}

void EndpointChoice::count_outcome(bool is_failure) {
  if (!try_->is_told && balancers_.life(try_->endpoint) == try_->life) {
    const auto now = std::chrono::steady_clock::now();
    auto& load = balancers_.load(try_->endpoint);
    is_failure ? load.failed(now - try_->began, now) : load.answered(now - try_->began, now);
  }
  try_->is_told = true;
}

void EndpointChoice::count_ended() {
  if (balancers_.life(try_->endpoint) == try_->life) {
    balancers_.load(try_->endpoint).ended();
  }
  try_.reset();
}

}  // namespace portico::exchange
