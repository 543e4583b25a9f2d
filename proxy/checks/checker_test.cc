#include "proxy/checks/checker.h"

#include <sys/resource.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/net/listener.h"
#include "proxy/net/tcp_transport.h"

namespace portico::checks {
namespace {

using exchange::EndpointHealth;
using exchange::EndpointId;
using routing::BackendId;
using routing::HealthCheckSpec;
using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// Writes down what each connection sends, and answers all of them the same.
class Endpoint final {
 public:
  explicit Endpoint(net::Loop& loop) : loop_(loop) { listen("127.0.0.1:0"); }
  [[nodiscard]] const net::SocketAddress& address() const { return address_; }
  [[nodiscard]] std::size_t accepted() const { return clients_.size(); }
  [[nodiscard]] std::size_t open() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(clients_, [](const auto& client) { return !client->ended; }));
  }
  [[nodiscard]] const std::string& request(std::size_t index) const {
    return clients_[index]->request;
  }
  void stop() { listener_.reset(); }
  void listen(const std::string& where) {
    auto opened = net::Listener::open(
        loop_, *net::SocketAddress::parse(where), [this](net::AcceptedSocket socket) {
          clients_.push_back(
              std::make_unique<Client>(net::make_tcp_transport(loop_, std::move(socket)), answer));
        });
    ASSERT_TRUE(opened);
    listener_ = std::move(*opened);
    address_ = listener_->local_address();
  }
  std::string answer;  // empty: none, ever

 private:
  struct Client final : net::TransportSink {
    Client(std::unique_ptr<net::Transport> given, const std::string& says)
        : answer(says), transport(std::move(given)) {
      transport->start(*this);
    }
    std::size_t on_bytes(std::span<char> bytes) override {
      request.append(bytes.data(), bytes.size());
      if (!answer.empty()) {
        const iovec piece{const_cast<char*>(answer.data()), answer.size()};
        transport->write({&piece, 1});
      }
      return bytes.size();
    }
    void on_end() override { ended = true; }
    void on_drained() override {}
    void on_error(net::TransportError) override { ended = true; }
    const std::string answer;
    std::string request;
    bool ended = false;
    std::unique_ptr<net::Transport> transport;
  };
  net::Loop& loop_;
  net::SocketAddress address_;
  std::unique_ptr<net::Listener> listener_;
  std::vector<std::unique_ptr<Client>> clients_;
};

const std::string kGood = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
const std::string kBad = "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n";

constexpr BackendId kA{0};
constexpr BackendId kB{7};

struct CheckerTest : ::testing::Test {
  // What is asked of the endpoint, as fast as may be.
  static HealthCheckSpec spec(HealthCheckSpec::Kind kind = HealthCheckSpec::Kind::kHttp) {
    return {.kind = kind,
            .interval = milliseconds(100),
            .timeout = std::chrono::seconds(60),
            .unhealthy_after = 1,
            .healthy_after = 1};
  }
  CheckedEndpoint checked(const HealthCheckSpec& how, EndpointHealth& who) {
    return {.target = {.namespace_ = "default",
                       .address = endpoint.address(),
                       .tls = nullptr,
                       .spec = how},
            .health = &who};
  }
  void check(BackendId backend, std::vector<CheckedEndpoint> endpoints) {
    std::vector<BackendChecks> changes;
    changes.push_back(
        {.backend = backend, .is_checked = true, .name = name, .endpoints = std::move(endpoints)});
    checker.apply(changes);
  }
  void stop_checking(BackendId backend) {
    std::vector<BackendChecks> changes;
    changes.push_back({.backend = backend, .is_checked = false, .name = {}, .endpoints = {}});
    checker.apply(changes);
  }
  template <class Done>
  void run_until(Done done) {
    ASSERT_TRUE(loop.run_until(done, std::chrono::seconds(60)));
  }
  // As many more as `count` have passed or failed.
  void run_checks(std::uint64_t count) {
    const auto wanted = checks() + count;
    run_until([&] { return checks() >= wanted; });
  }
  [[nodiscard]] std::uint64_t checks() const {
    std::uint64_t sum = 0;
    for (const auto& backend : book.counts()) {
      sum += backend.passed + backend.failed;
    }
    return sum;
  }

  const ServicePort name{.namespace_ = "default", .service = "web", .port = "80"};
  net::Loop loop;
  exchange::Options options;
  exchange::EndpointHealthTable table;
  EndpointHealth& health = *table.take(EndpointId{0});
  EndpointHealth& other = *table.take(EndpointId{1});
  CheckBook book;
  Endpoint endpoint{loop};
  Checker checker{loop, options, book};
};

TEST_F(CheckerTest, AnHttpCheckIsARequestOnAConnectionOfItsOwn) {
  endpoint.answer = kGood;
  check(kA, {checked(spec(), health)});
  run_checks(2);
  EXPECT_EQ(endpoint.request(0), "GET / HTTP/1.1\r\nHost: " + endpoint.address().to_string() +
                                     "\r\nUser-Agent: portico-health-check/" PORTICO_VERSION
                                     "\r\nAccept: */*\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(endpoint.request(1), endpoint.request(0));
  run_until([&] { return endpoint.open() <= 1; });
  EXPECT_FALSE(health.is_ill());
}

TEST_F(CheckerTest, APathAndAHostAreAskedFor) {
  endpoint.answer = kGood;
  auto how = spec();
  how.path = "/healthz?deep=1";
  how.host = "shop.test";
  check(kA, {checked(how, health)});
  run_checks(1);
  EXPECT_THAT(endpoint.request(0),
              StartsWith("GET /healthz?deep=1 HTTP/1.1\r\nHost: shop.test\r\n"));
}

TEST_F(CheckerTest, ABadStatusMakesIllAndAGoodOneWell) {
  endpoint.answer = kBad;
  check(kA, {checked(spec(), health)});
  run_until([&] { return health.is_ill(); });
  EXPECT_EQ(book.reason(health), "status 503");
  EXPECT_EQ(table.changes(), 1U);
  endpoint.answer = kGood;
  run_until([&] { return !health.is_ill(); });
  EXPECT_EQ(book.reason(health), "");
  EXPECT_EQ(table.changes(), 2U);
}

TEST_F(CheckerTest, ItTakesAsManyInARowAsAreAskedFor) {
  endpoint.answer = kBad;
  auto how = spec();
  how.unhealthy_after = 3;
  check(kA, {checked(how, health)});
  run_checks(2);
  EXPECT_FALSE(health.is_ill());
  run_checks(1);
  EXPECT_TRUE(health.is_ill());
}

TEST_F(CheckerTest, StatusesThatAreNamedAreGood) {
  endpoint.answer = kBad;
  auto how = spec();
  how.statuses = {{.first = 200, .last = 299}, {.first = 503, .last = 503}};
  check(kA, {checked(how, health)});
  run_checks(1);
  EXPECT_FALSE(health.is_ill());
  endpoint.answer = "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n";
  run_until([&] { return health.is_ill(); });
  EXPECT_EQ(book.reason(health), "status 302");
}

TEST_F(CheckerTest, InterimAnswersAreNone) {
  endpoint.answer = "HTTP/1.1 103 Early Hints\r\n\r\n" + kBad;
  check(kA, {checked(spec(), health)});
  run_until([&] { return health.is_ill(); });
  EXPECT_EQ(book.reason(health), "status 503");
}

TEST_F(CheckerTest, WhatIsNoHttpFails) {
  endpoint.answer = "220 mail.test ESMTP\r\n";
  check(kA, {checked(spec(), health)});
  run_until([&] { return health.is_ill(); });
  EXPECT_THAT(book.reason(health), ::testing::Not(IsEmpty()));
}

TEST_F(CheckerTest, SilenceFailsWhenItsTimeIsOver) {
  auto how = spec();
  how.timeout = milliseconds(100);
  check(kA, {checked(how, health)});
  run_until([&] { return health.is_ill(); });
  EXPECT_EQ(book.reason(health), "no answer within 0.1 s");
}

TEST_F(CheckerTest, AnAnswerWithoutEndIsJudgedByItsStatus) {
  endpoint.answer =
      "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n" + std::string(70'000, 'a');
  check(kA, {checked(spec(), health)});
  run_checks(1);
  EXPECT_FALSE(health.is_ill());
}

TEST_F(CheckerTest, ARefusedConnectionFails) {
  endpoint.stop();
  check(kA, {checked(spec(HealthCheckSpec::Kind::kTcp), health), checked(spec(), other)});
  run_until([&] { return health.is_ill() && other.is_ill(); });
  EXPECT_EQ(book.reason(health), "the endpoint refused the connection");
  endpoint.answer = kGood;
  endpoint.listen(endpoint.address().to_string());
  run_until([&] { return !health.is_ill() && !other.is_ill(); });
}

TEST_F(CheckerTest, WantOfDescriptorsTellsNothingOfTheEndpoint) {
  endpoint.answer = kGood;
  check(kA, {checked(spec(), health), checked(spec(HealthCheckSpec::Kind::kTcp), other)});
  run_checks(2);
  const auto before = checks();
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  rlimit none = limit;
  none.rlim_cur = 3;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  int turns = 0;
  net::Deadline tick(loop, [&] {
    ++turns;
    tick.arm(milliseconds(100));
  });
  tick.arm(milliseconds(100));
  const bool waited = loop.run_until([&] { return turns >= 5; }, std::chrono::seconds(60));
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_TRUE(waited);
  EXPECT_LE(checks(), before + 2);  // those that had begun
  EXPECT_FALSE(health.is_ill());
  EXPECT_FALSE(other.is_ill());
  run_checks(2);
}

TEST_F(CheckerTest, ATcpCheckSendsNothing) {
  check(kA, {checked(spec(HealthCheckSpec::Kind::kTcp), health)});
  run_checks(2);
  run_until([&] { return endpoint.accepted() >= 2 && endpoint.open() <= 1; });
  EXPECT_EQ(endpoint.request(0), "");
  EXPECT_FALSE(health.is_ill());
}

TEST_F(CheckerTest, AnotherPortMayBeAsked) {
  Endpoint admin{loop};
  admin.answer = kBad;
  endpoint.answer = kGood;
  auto asked = checked(spec(), health);
  asked.target.address = admin.address();
  check(kA, {asked});
  run_until([&] { return health.is_ill(); });
  EXPECT_EQ(endpoint.accepted(), 0U);
}

TEST_F(CheckerTest, GrpcNeedsHttp2) {
  endpoint.answer = kGood;
  check(kA, {checked(spec(HealthCheckSpec::Kind::kGrpc), health)});
  run_until([&] { return health.is_ill(); });
  EXPECT_THAT(endpoint.request(0), StartsWith("PRI * HTTP/2.0"));
}

TEST_F(CheckerTest, EqualChecksOfSeveralBackendsAreOne) {
  endpoint.answer = kBad;
  check(kA, {checked(spec(), health)});
  check(kB, {checked(spec(), health), checked(spec(), other)});
  EXPECT_EQ(checker.targets(), 1U);
  run_until([&] { return health.is_ill() && other.is_ill(); });
  stop_checking(kA);
  EXPECT_TRUE(health.is_ill());
  stop_checking(kB);
  EXPECT_FALSE(health.is_ill());
  EXPECT_FALSE(other.is_ill());
  EXPECT_EQ(checker.targets(), 0U);
  EXPECT_THAT(book.counts(), IsEmpty());
}

TEST_F(CheckerTest, AnEndpointIsIllWhileAnyOfItsChecksFails) {
  Endpoint admin{loop};
  admin.answer = kGood;
  endpoint.answer = kBad;
  auto asked = checked(spec(), health);
  asked.target.address = admin.address();
  check(kA, {checked(spec(), health)});
  check(kB, {asked});
  run_until([&] { return health.is_ill(); });
  run_until([&] { return admin.accepted() >= 2; });
  EXPECT_TRUE(health.is_ill());
  stop_checking(kA);
  EXPECT_FALSE(health.is_ill());
}

TEST_F(CheckerTest, AnotherQuestionBeginsWithTheOpinionThatWasHad) {
  endpoint.answer = kBad;
  check(kA, {checked(spec(), health)});
  run_until([&] { return health.is_ill(); });
  endpoint.answer = kGood;
  auto how = spec();
  how.path = "/other";
  how.interval = std::chrono::hours(1);
  check(kA, {checked(how, health)});
  EXPECT_TRUE(health.is_ill());
  EXPECT_EQ(book.reason(health), "status 503");
  EXPECT_EQ(checker.targets(), 1U);
}

TEST_F(CheckerTest, ACheckThatIsNotAskedForAnyMoreIsGivenUp) {
  check(kA, {checked(spec(), health)});
  run_until([&] { return endpoint.accepted() == 1; });
  EXPECT_EQ(checker.running(), 1U);
  stop_checking(kA);
  EXPECT_EQ(checker.running(), 0U);
  run_until([&] { return endpoint.open() == 0; });
}

TEST_F(CheckerTest, NoMoreRunAtOnceThanMayAndAllHaveTheirTurn) {
  std::vector<std::unique_ptr<Endpoint>> endpoints;
  std::vector<CheckedEndpoint> all;
  constexpr std::size_t kCount = Checker::kAtOnce + 10;
  auto how = spec();
  how.timeout = milliseconds(100);
  for (std::size_t i = 0; i < kCount; ++i) {
    endpoints.push_back(std::make_unique<Endpoint>(loop));
    auto asked = checked(how, *table.take(EndpointId{static_cast<std::uint32_t>(i)}));
    asked.target.address = endpoints.back()->address();
    all.push_back(asked);
  }
  check(kA, all);
  run_until([&] {
    EXPECT_LE(checker.running(), Checker::kAtOnce / 2);
    return std::ranges::all_of(endpoints, [](const auto& each) { return each->accepted() >= 2; });
  });
  for (const auto& each : all) {
    EXPECT_TRUE(each.health->is_ill());
  }
}

TEST_F(CheckerTest, ChecksThatHangDoNotHoldUpAnotherNamespaces) {
  Endpoint silent{loop};
  std::vector<CheckedEndpoint> hanging;
  for (std::size_t i = 0; i < 2 * Checker::kAtOnce; ++i) {
    auto how = spec();
    how.path = "/" + std::to_string(i);
    auto asked = checked(how, health);
    asked.target.namespace_ = "noisy";
    asked.target.address = silent.address();
    hanging.push_back(asked);
  }
  check(kA, hanging);
  run_until([&] { return silent.accepted() == Checker::kAtOnce / 2; });
  endpoint.answer = kBad;
  check(kB, {checked(spec(), other)});
  run_until([&] { return other.is_ill(); });
  EXPECT_FALSE(health.is_ill());
  EXPECT_EQ(silent.accepted(), Checker::kAtOnce / 2);
}

TEST_F(CheckerTest, EqualChecksOfTwoNamespacesAreTwo) {
  endpoint.answer = kGood;
  auto asked = checked(spec(), other);
  asked.target.namespace_ = "elsewhere";
  check(kA, {checked(spec(), health)});
  check(kB, {asked});
  EXPECT_EQ(checker.targets(), 2U);
}

TEST_F(CheckerTest, APassedCheckEndsAnEjection) {
  endpoint.answer = kGood;
  const auto now = EndpointHealth::Clock::now() + std::chrono::hours(1);
  health.report(routing::TryOutcome::kUnreachable, false, {.unreachable = 1}, now);
  ASSERT_TRUE(health.is_shut(now));
  check(kA, {checked(spec(), health)});
  run_until([&] { return !health.is_shut(now); });
}

TEST_F(CheckerTest, AnAcceptedConnectionEndsNoEjection) {
  const auto now = EndpointHealth::Clock::now() + std::chrono::hours(1);
  health.report(routing::TryOutcome::kUnreachable, false, {.unreachable = 1}, now);
  check(kA, {checked(spec(HealthCheckSpec::Kind::kTcp), health)});
  run_checks(3);
  EXPECT_TRUE(health.is_shut(now));
}

TEST_F(CheckerTest, ChecksAreCountedByServicePort) {
  endpoint.answer = kGood;
  check(kA, {checked(spec(), health), checked(spec(), other)});
  run_checks(1);
  const auto counts = book.counts();
  ASSERT_EQ(counts.size(), 1U);
  EXPECT_EQ(counts[0].of, name);
  EXPECT_EQ(counts[0].passed, 1U);  // the two share one check
  EXPECT_EQ(counts[0].failed, 0U);
}

}  // namespace
}  // namespace portico::checks
