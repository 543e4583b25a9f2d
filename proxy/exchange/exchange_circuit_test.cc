// A backend that has all it may bear.
#include <deque>
#include <memory>

#include <gtest/gtest.h>

#include "proxy/exchange/testing/scene.h"

namespace portico::exchange {
namespace {

using namespace std::chrono_literals;
using testing::FakeClient;
using testing::Scene;
namespace error = routing::upstream_error;

std::shared_ptr<const Config> shop(Circuit* circuit, const routing::Policy& policy = {}) {
  return testing::ConfigBuilder()
      .circuit(circuit)
      .backend("default/web:80", {8001, 8002})
      .route("shop.example.com", "/", "default/web:80", policy)
      .build();
}

CircuitLimits limits(std::uint32_t requests, std::uint32_t pending = 0,
                     std::chrono::milliseconds queue_timeout = 10s) {
  return {.requests = requests, .pending = pending, .queue_timeout = queue_timeout};
}

// A worker with several requests for one backend.
struct Hall {
  explicit Hall(const CircuitLimits& asked, const routing::Policy& policy = {})
      : worker(shop((circuit.set(asked), &circuit), policy)) {
    connection.peer = *net::SocketAddress::parse("192.0.2.7:40000");
  }
  struct Guest {
    explicit Guest(Context& context) : exchange(context) {}
    FakeClient client;
    http::RequestHead head;
    Exchange exchange;
  };
  Guest& come(std::string_view content_type = {}) {
    auto& guest = guests.emplace_back(worker.context);
    guest.head.method = http::Method::kGet;
    guest.head.method_text = "GET";
    guest.head.target = "/";
    guest.head.authority = "shop.example.com";
    if (!content_type.empty()) {
      guest.head.fields.add(http::FieldId::kContentType, "Content-Type", content_type);
    }
    guest.exchange.start(guest.client, guest.head, connection);
    return guest;
  }
  std::size_t asked() { return worker.upstreams.streams.size(); }
  testing::FakeEndpointStream& stream(std::size_t index) {
    return *worker.upstreams.streams.at(index);
  }
  void expect_empty() {
    EXPECT_EQ(circuit.requests.inside(), 0U);
    EXPECT_EQ(circuit.requests.waiting(), 0U);
    EXPECT_EQ(circuit.retries(), 0U);
    EXPECT_TRUE(worker.context.pinned.empty());
  }

  Circuit circuit;
  net::TransportInfo connection;
  testing::FakeWorker worker;
  std::deque<Guest> guests;
};

TEST(ExchangeCircuit, RefusesAtOnceWhereNobodyMayWait) {
  Hall hall(limits(1));
  hall.come();
  auto& second = hall.come();
  EXPECT_EQ(second.client.status, 503);
  EXPECT_NE(second.client.fields.find("X-Portico-Overloaded: max-requests\n"), std::string::npos);
  EXPECT_NE(second.client.fields.find("Retry-After: 1\n"), std::string::npos);
  EXPECT_EQ(second.client.finishes, 1);
  EXPECT_EQ(hall.worker.recorder.records.front().circuit_refusal, CircuitRefusal::kMaxRequests);
  EXPECT_EQ(hall.worker.recorder.records.front().reason, "circuit-max-requests are under way");
  EXPECT_EQ(hall.asked(), 1U);
  hall.stream(0).answer(200, "ok");
  hall.expect_empty();
}

TEST(ExchangeCircuit, TellsGrpcClientsInTheirWay) {
  Hall hall(limits(1));
  hall.come();
  auto& second = hall.come("application/grpc");
  EXPECT_EQ(second.client.status, 200);
  EXPECT_NE(second.client.fields.find("grpc-status: 14\n"), std::string::npos);
  EXPECT_NE(second.client.fields.find("X-Portico-Overloaded: max-requests\n"), std::string::npos);
}

TEST(ExchangeCircuit, OneThatIsAnsweredMakesRoom) {
  Hall hall(limits(1));
  hall.come();
  hall.stream(0).answer(200, "first");
  auto& second = hall.come();
  hall.stream(1).answer(200, "second");
  EXPECT_EQ(second.client.body, "second");
  hall.expect_empty();
}

TEST(ExchangeCircuit, OneInLineIsServedWhenItsTurnComes) {
  Hall hall(limits(1, 5));
  hall.come();
  auto& second = hall.come();
  auto& third = hall.come();
  EXPECT_EQ(hall.asked(), 1U);
  EXPECT_EQ(hall.circuit.requests.waiting(), 2U);
  hall.stream(0).answer(200, "first");
  hall.worker.run_posted();
  ASSERT_EQ(hall.asked(), 2U);
  EXPECT_GT(hall.stream(1).flushes, 0);
  hall.stream(1).answer(200, "second");
  hall.worker.run_posted();
  hall.stream(2).answer(200, "third");
  EXPECT_EQ(second.client.body, "second");
  EXPECT_EQ(third.client.body, "third");
  hall.expect_empty();
}

TEST(ExchangeCircuit, ALineThatIsFullRefuses) {
  Hall hall(limits(1, 1));
  hall.come();
  hall.come();
  auto& third = hall.come();
  EXPECT_EQ(third.client.status, 503);
  EXPECT_NE(third.client.fields.find("X-Portico-Overloaded: max-pending\n"), std::string::npos);
}

TEST(ExchangeCircuit, NobodyWaitsLongerThanAsked) {
  Hall hall(limits(1, 5));
  auto& first = hall.come();
  auto& second = hall.come();
  hall.worker.pass(9s);
  EXPECT_EQ(second.client.status, 0);
  hall.worker.pass(11s);
  EXPECT_EQ(second.client.status, 503);
  EXPECT_NE(second.client.fields.find("X-Portico-Overloaded: queue-timeout\n"), std::string::npos);
  EXPECT_EQ(first.client.status, 0);
  hall.stream(0).answer(200, "first");
  hall.expect_empty();
}

TEST(ExchangeCircuit, AClientThatGoesGivesItsPlaceInLineUp) {
  Hall hall(limits(1, 5));
  hall.come();
  auto& second = hall.come();
  auto& third = hall.come();
  auto& fourth = hall.come();
  second.exchange.on_client_error(testing::kClientGone);
  third.exchange.on_client_half_closed();
  EXPECT_TRUE(second.client.aborted);
  EXPECT_TRUE(third.client.aborted);
  EXPECT_EQ(hall.worker.recorder.records.back().status, 499);
  hall.stream(0).answer(200, "first");
  hall.worker.run_posted();
  hall.stream(1).answer(200, "fourth");
  EXPECT_EQ(fourth.client.body, "fourth");
  hall.expect_empty();
}

TEST(ExchangeCircuit, AClientThatGoesWhileItIsServedMakesRoom) {
  Hall hall(limits(1, 5));
  auto& first = hall.come();
  hall.come();
  first.exchange.on_client_half_closed();
  EXPECT_EQ(first.client.finishes, 0) << "it may still read";
  first.exchange.on_client_error(testing::kClientGone);
  hall.worker.run_posted();
  EXPECT_EQ(hall.asked(), 2U);
  hall.stream(1).answer(200, "second");
  hall.expect_empty();
}

TEST(ExchangeCircuit, ExchangesThatDieHoldNothing) {
  Hall hall(limits(2, 5));
  for (int i = 0; i < 4; ++i) {
    hall.come();
  }
  hall.guests.pop_back();
  hall.guests.pop_front();
  hall.guests.clear();
  hall.worker.run_posted();
  hall.expect_empty();
}

TEST(ExchangeCircuit, TheirBodyIsNotReadInLine) {
  Hall hall(limits(1, 5));
  hall.come();
  auto& second = hall.guests.emplace_back(hall.worker.context);
  second.head.method = http::Method::kPost;
  second.head.method_text = "POST";
  second.head.target = "/";
  second.head.authority = "shop.example.com";
  second.head.framing = http::Framing::kChunked;
  second.exchange.start(second.client, second.head, hall.connection);
  EXPECT_FALSE(second.client.credit);
  hall.stream(0).answer(200, "first");
  hall.worker.run_posted();
  EXPECT_TRUE(second.client.credit);
}

TEST(ExchangeCircuit, ATunnelHoldsItsPlace) {
  Circuit circuit;
  circuit.set(limits(1));
  Scene scene(shop(&circuit));
  scene.start_tunnel();
  EXPECT_EQ(circuit.requests.inside(), 1U);
  scene.backend().answer_end();
  scene.exchange.on_request_end(nullptr);
  EXPECT_EQ(circuit.requests.inside(), 0U);
  scene.expect_finished();
}

TEST(ExchangeCircuit, ARetryHoldsOnePlace) {
  Hall hall(limits(1));
  hall.circuit.set({.requests = 1, .retries = 1});
  auto& first = hall.come();
  hall.stream(0).fail(error::kHeadTimeout);
  EXPECT_EQ(hall.circuit.requests.inside(), 1U);
  EXPECT_EQ(hall.circuit.retries(), 1U);
  hall.stream(1).answer(200, "ok");
  EXPECT_EQ(first.client.status, 200);
  hall.expect_empty();
}

TEST(ExchangeCircuit, NoMoreRetriesThanAsked) {
  Hall hall({.retries = 1});
  hall.come();
  auto& second = hall.come();
  hall.stream(0).fail(error::kHeadTimeout);
  hall.stream(1).fail(error::kHeadTimeout);
  EXPECT_EQ(second.client.status, 504);
  EXPECT_NE(second.client.fields.find("X-Portico-Overloaded: max-retries\n"), std::string::npos);
  EXPECT_EQ(hall.worker.recorder.records.back().reason, error::kHeadTimeout.reason);
  EXPECT_EQ(hall.worker.recorder.records.back().circuit_refusal, CircuitRefusal::kMaxRetries);
  hall.stream(2).answer(200, "ok");
  hall.expect_empty();
}

// ---- changes

TEST(ExchangeCircuit, LimitsThatComeDoNotTouchWhatIsUnderWay) {
  Hall hall(limits(1));
  hall.worker.adopt(shop(nullptr));
  hall.come();
  hall.worker.adopt(shop(&hall.circuit));
  hall.stream(0).fail(error::kHeadTimeout);  // tried again, under what holds now
  ASSERT_EQ(hall.asked(), 2U);
  EXPECT_EQ(hall.circuit.requests.inside(), 0U);
  hall.stream(1).answer(200, "ok");
  hall.expect_empty();
}

TEST(ExchangeCircuit, LimitsThatGoAreGivenBackAllTheSame) {
  Hall hall(limits(1));
  hall.come();
  hall.worker.adopt(shop(nullptr));
  hall.stream(0).fail(error::kHeadTimeout);
  EXPECT_EQ(hall.circuit.requests.inside(), 1U);
  hall.stream(1).answer(200, "ok");
  hall.expect_empty();
}

TEST(ExchangeCircuit, ItsPlaceInLineOutlivesAChange) {
  Hall hall(limits(1, 5));
  hall.come();
  auto& second = hall.come();
  hall.worker.adopt(shop(&hall.circuit));
  hall.worker.pass(1s);
  EXPECT_EQ(hall.circuit.requests.waiting(), 1U);
  hall.stream(0).answer(200, "first");
  hall.worker.run_posted();
  hall.stream(1).answer(200, "second");
  EXPECT_EQ(second.client.body, "second");
  hall.expect_empty();
}

TEST(ExchangeCircuit, AChangeDoesNotMakeItWaitLonger) {
  Hall hall(limits(1, 5));
  hall.come();
  auto& second = hall.come();
  hall.worker.adopt(shop(&hall.circuit));
  hall.worker.pass(1s);
  hall.worker.pass(12s);
  EXPECT_EQ(second.client.status, 503);
}

TEST(ExchangeCircuit, ATimeoutThatComesHoldsForWhoWaits) {
  Hall hall(limits(1, 5, 60s));
  hall.come();
  auto& second = hall.come();
  hall.worker.adopt(shop(&hall.circuit, {.request_timeout = 10s}));
  hall.worker.pass(1s);
  EXPECT_EQ(second.client.status, 0);
  hall.worker.pass(12s);
  EXPECT_EQ(second.client.status, 504);
}

TEST(ExchangeCircuit, ATimeoutThatGoesHoldsNoLonger) {
  Hall hall(limits(1, 5, 60s), {.request_timeout = 10s});
  hall.come();
  auto& second = hall.come();
  hall.worker.adopt(shop(&hall.circuit));
  hall.worker.pass(1s);
  hall.worker.pass(12s);
  EXPECT_EQ(second.client.status, 0);
}

TEST(ExchangeCircuit, WhoWaitedIsServedAtOnceWhereTheLimitsGo) {
  Hall hall(limits(1, 5));
  hall.come();
  hall.come();
  hall.worker.adopt(shop(nullptr));
  hall.worker.pass(1s);
  EXPECT_EQ(hall.asked(), 2U);
  EXPECT_GT(hall.stream(1).flushes, 0);
  hall.stream(0).answer(200, "first");
  hall.stream(1).answer(200, "second");
  hall.expect_empty();
}

TEST(ExchangeCircuit, WhoWaitedForABackendThatIsGoneIsToldSo) {
  Hall hall(limits(1, 5));
  hall.come();
  auto& second = hall.come();
  hall.worker.adopt(testing::ConfigBuilder().build());
  hall.worker.pass(1s);
  EXPECT_EQ(second.client.status, 404);
  hall.stream(0).answer(200, "first");
  hall.expect_empty();
}

TEST(ExchangeCircuit, NobodyWaitsWhereMemoryIsNearlyUsedUp) {
  Hall hall(limits(1, 5));
  hall.come();
  auto& second = hall.come();
  hall.worker.context.set_pressure(Pressure::kCritical);
  hall.worker.pass(1s);
  EXPECT_EQ(second.client.status, 503);
  EXPECT_EQ(hall.worker.recorder.records.back().reason, kShedForMemory);
  hall.stream(0).answer(200, "first");
  hall.expect_empty();
}

TEST(ExchangeCircuit, WhoWaitsGoesOnWhereMemoryIsShortNoMore) {
  Hall hall(limits(1, 5));
  hall.come();
  auto& second = hall.come();
  hall.worker.context.set_pressure(Pressure::kCritical);
  hall.worker.context.set_pressure(Pressure::kNone);
  hall.worker.pass(1s);
  EXPECT_EQ(hall.circuit.requests.waiting(), 1U);
  EXPECT_EQ(second.client.status, 0);
  hall.worker.pass(12s);
  EXPECT_NE(second.client.fields.find("X-Portico-Overloaded: queue-timeout\n"), std::string::npos);
  hall.stream(0).answer(200, "first");
  hall.expect_empty();
}

// What it was to be served by may be freed by then.
TEST(ExchangeCircuit, WhoIsShedAfterAChangeNamesNothingOfBefore) {
  Hall hall(limits(1, 5));
  hall.come();
  auto& second = hall.come();
  hall.worker.adopt(shop(&hall.circuit));
  hall.stream(0).answer(200, "first");
  hall.worker.context.set_pressure(Pressure::kCritical);
  hall.worker.run_posted();
  EXPECT_EQ(second.client.status, 503);
  EXPECT_EQ(hall.worker.recorder.records.back().reason, kShedForMemory);
  EXPECT_FALSE(hall.worker.recorder.records.back().has_route);
  hall.expect_empty();
}

// ---- limits

TEST(Circuit, LeavesOpenWhatIsNotGiven) {
  const routing::CircuitSpec nothing;
  EXPECT_FALSE(circuit_limits(nothing, routing::BackendProtocol::kHttp1).any());
  const auto zeros = circuit_limits({.max_connections = 0, .max_requests = 0, .max_retries = 0},
                                    routing::BackendProtocol::kHttp1);
  EXPECT_FALSE(zeros.any());
}

TEST(Circuit, NobodyWaitsWithoutATime) {
  EXPECT_EQ(circuit_limits({.max_requests = 1, .max_pending = 9}, routing::BackendProtocol::kHttp1)
                .pending,
            0U);
}

TEST(Circuit, ALineHasAnEndThoughNoneIsGiven) {
  EXPECT_EQ(
      circuit_limits({.max_requests = 1, .queue_timeout = 1s}, routing::BackendProtocol::kHttp1)
          .pending,
      CircuitLimits::kPending);
}

TEST(Circuit, AnHttp1RequestNeedsAConnectionOfItsOwn) {
  const routing::CircuitSpec spec{.max_connections = 3, .max_requests = 7};
  EXPECT_EQ(circuit_limits(spec, routing::BackendProtocol::kHttp1).requests, 3U);
  EXPECT_EQ(circuit_limits(spec, routing::BackendProtocol::kHttp2).requests, 7U);
}

TEST(Circuit, NamesTheLimitThatWasReached) {
  Circuit circuit;
  circuit.set(
      circuit_limits({.max_connections = 3, .max_requests = 7}, routing::BackendProtocol::kHttp1));
  EXPECT_EQ(circuit.refusal(), CircuitRefusal::kMaxConnections);
  circuit.set(
      circuit_limits({.max_connections = 3, .max_requests = 7}, routing::BackendProtocol::kHttp2));
  EXPECT_EQ(circuit.refusal(), CircuitRefusal::kMaxRequests);
  circuit.set(
      circuit_limits({.max_connections = 3, .max_requests = 2}, routing::BackendProtocol::kHttp1));
  EXPECT_EQ(circuit.refusal(), CircuitRefusal::kMaxRequests);
}

}  // namespace
}  // namespace portico::exchange
