#include "controller/status/event_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/status/json.h"
#include "controller/status/testing/fake_api.h"

namespace portico::status {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr EventLedger::Time kStart = EventLedger::Time{} + 1000h;

EventText event(std::string message, std::string name = "web") {
  return {.finding = {.severity = routing::Severity::kError,
                      .object = {"Ingress", "shop", std::move(name)},
                      .field = "spec.rules[0].host",
                      .message = std::move(message),
                      .fix = "give a DNS name"},
          .subject = {.api_version = "networking.k8s.io/v1", .uid = "u-1"}};
}

TEST(EventName, IsTheSameForTheSameFinding) {
  const auto a = event("bad");
  EXPECT_EQ(event_name(a.finding, a.subject), event_name(a.finding, a.subject));
  EXPECT_EQ(event_name(a.finding, a.subject).substr(0, 4), "web.");
}

TEST(EventName, DiffersByTextAndByObject) {
  const auto a = event("bad");
  const auto b = event("worse");
  EXPECT_NE(event_name(a.finding, a.subject), event_name(b.finding, b.subject));
  EXPECT_NE(event_name(a.finding, a.subject), event_name(a.finding, {.uid = "u-2"}));
}

TEST(EventLedger, TellsAFindingOnce) {
  EventLedger ledger;
  EXPECT_EQ(ledger.tell("e", "o", kStart).what, EventLedger::What::kCreate);
  EXPECT_EQ(ledger.tell("e", "o", kStart + 1s).what, EventLedger::What::kNothing);
}

TEST(EventLedger, CountsWhatComesAgain) {
  EventLedger ledger;
  ledger.tell("e", "o", kStart);
  ledger.tell("e", "o", kStart + 1s);
  const auto again = ledger.tell("e", "o", kStart + 6min);
  EXPECT_EQ(again.what, EventLedger::What::kCount);
  EXPECT_EQ(again.count, 3);
  EXPECT_EQ(ledger.tell("e", "o", kStart + 7min).what, EventLedger::What::kNothing);
}

TEST(EventLedger, TellsAnewOnceTheEventHasEnded) {
  EventLedger ledger;
  ledger.tell("e", "o", kStart);
  EXPECT_EQ(ledger.tell("e", "o", kStart + 61min).what, EventLedger::What::kCreate);
}

TEST(EventLedger, WritesWhatStandsAgainBeforeItsEventEnds) {
  EventLedger ledger;
  constexpr auto kStands = EventLedger::Occasion::kStands;
  EXPECT_EQ(ledger.tell("e", "o", kStart, kStands).what, EventLedger::What::kCreate);
  int writes = 0;
  auto written = kStart;
  for (auto now = kStart; now < kStart + 24h; now += 10min) {
    const auto decision = ledger.tell("e", "o", now, kStands);
    if (decision.what != EventLedger::What::kNothing) {
      EXPECT_EQ(decision.what, EventLedger::What::kCount);
      EXPECT_EQ(decision.count, ++writes + 1);
      EXPECT_LT(now - written, 60min);
      written = now;
    }
  }
  EXPECT_EQ(writes, 47);
}

TEST(EventLedger, AnObjectHasTwentyFiveAndOneMoreInFiveMinutes) {
  EventLedger ledger;
  int created = 0;
  for (int i = 0; i < 100; ++i) {
    const auto decision = ledger.tell(std::to_string(i), "o", kStart);
    created += decision.what == EventLedger::What::kCreate ? 1 : 0;
  }
  EXPECT_EQ(created, 25);
  EXPECT_EQ(ledger.tell("x", "other", kStart).what, EventLedger::What::kCreate);
  EXPECT_EQ(ledger.tell("y", "o", kStart + 301s).what, EventLedger::What::kCreate);
  EXPECT_EQ(ledger.tell("z", "o", kStart + 302s).what, EventLedger::What::kNothing);
}

TEST(EventLedger, RemembersOnlySoMany) {
  EventLedger ledger;
  ledger.tell("first", "o", kStart);
  for (int i = 0; i < 5000; ++i) {
    ledger.tell(std::to_string(i), std::to_string(i), kStart);
  }
  EXPECT_EQ(ledger.tell("first", "p", kStart).what, EventLedger::What::kCreate);
}

TEST(EventBody, HasWhatTheApiRequires) {
  const auto text_of_body = event_body(event("\"a b\" is no host"), "web.1", "portico.dev/x",
                                       "pod-1", "2026-11-23T04:05:06.000078Z");
  const auto body = parse_json(text_of_body);
  EXPECT_EQ(text(member(body, "apiVersion")), "events.k8s.io/v1");
  EXPECT_EQ(text(member(body, "metadata", "namespace")), "shop");
  EXPECT_EQ(text(member(body, "eventTime")), "2026-11-23T04:05:06.000078Z");
  EXPECT_EQ(text(member(body, "type")), "Warning");
  EXPECT_EQ(text(member(body, "reason")), "TranslationError");
  EXPECT_EQ(text(member(body, "action")), "Translate");
  EXPECT_EQ(text(member(body, "reportingController")), "portico.dev/x");
  EXPECT_EQ(text(member(body, "reportingInstance")), "pod-1");
  EXPECT_EQ(text(member(body, "regarding", "uid")), "u-1");
  EXPECT_EQ(text(member(body, "regarding", "apiVersion")), "networking.k8s.io/v1");
  EXPECT_EQ(text(member(body, "note")), "spec.rules[0].host: \"a b\" is no host; give a DNS name");
}

TEST(EventBody, CutsALongNoteBetweenCharacters) {
  std::string message;
  for (int i = 0; i < 600; ++i) {
    message += "ä";
  }
  const auto body = parse_json(event_body(event(message), "web.1", "r", "i", "t"));
  const auto note = text(member(body, "note"));
  EXPECT_LE(note.size(), 1024U);
  EXPECT_GE(note.size(), 1020U);
  EXPECT_EQ(note.substr(note.size() - 5), "ä...");
}

class EventWriterTest : public ::testing::Test {
 protected:
  bool wait(std::move_only_function<bool()> done) { return loop.run_until(std::move(done), 60s); }

  net::Loop loop;
  testing::FakeApi api{loop};
  CallLog log;
  EventWriter writer{loop, api, log, "portico.dev/ingress-controller", "pod-1"};
};

TEST_F(EventWriterTest, CreatesAnEventAndNotItsTwin) {
  writer.tell(event("bad"));
  writer.tell(event("bad"));
  EXPECT_TRUE(wait([&] { return api.requests.size() == 1 && api.in_flight() == 0; }));
  EXPECT_EQ(api.lines().front(), "POST /apis/events.k8s.io/v1/namespaces/shop/events");
  EXPECT_FALSE(loop.run_until([&] { return api.requests.size() > 1; }, 20ms));
}

TEST_F(EventWriterTest, TakesAPredecessorsEventForItsOwn) {
  const auto known = event("bad");
  api.put(
      "/apis/events.k8s.io/v1/namespaces/shop/events/" + event_name(known.finding, known.subject),
      R"({"kind": "Event"})");
  writer.tell(known);
  // Refused as there already, then given another hour.
  EXPECT_TRUE(wait([&] { return api.requests.size() == 2 && api.in_flight() == 0; }));
  EXPECT_EQ(api.requests.back().method, "PATCH");
  EXPECT_EQ(integer(member(parse_json(api.requests.back().body), "series", "count")), 2);
  writer.tell(known);
  EXPECT_FALSE(loop.run_until([&] { return api.requests.size() > 2; }, 20ms));
}

TEST_F(EventWriterTest, GivesUpAnEventThatIsThereAndIsNot) {
  api.before = [](const kube::ApiRequest& request) {
    return testing::refusal(request.method == "POST" ? 409 : 404, "no");
  };
  writer.tell(event("bad"));
  EXPECT_TRUE(wait([&] { return api.requests.size() == 3 && api.in_flight() == 0; }));
  EXPECT_FALSE(loop.run_until([&] { return api.requests.size() > 3; }, 20ms));
}

TEST_F(EventWriterTest, BoundsWhatIsInFlight) {
  api.holds = true;
  for (int i = 0; i < 20; ++i) {
    writer.tell(event("bad", "web" + std::to_string(i)));
  }
  EXPECT_EQ(api.in_flight(), 4U);
  api.holds = false;
  api.release();
  EXPECT_TRUE(wait([&] { return api.requests.size() == 20 && api.in_flight() == 0; }));
  EXPECT_EQ(api.most_in_flight(), 4U);
}

TEST_F(EventWriterTest, AForbiddenEventIsTriedAgainWhenItIsFoundAgain) {
  api.before = [](const kube::ApiRequest&) { return testing::refusal(403, "no"); };
  writer.tell(event("bad"));
  EXPECT_TRUE(wait([&] { return api.requests.size() == 1 && api.in_flight() == 0; }));
  api.before = nullptr;
  writer.tell(event("bad"));
  EXPECT_TRUE(wait([&] { return api.requests.size() == 2 && api.in_flight() == 0; }));
}

TEST_F(EventWriterTest, WritesNothingOncePaused) {
  api.holds = true;
  for (int i = 0; i < 20; ++i) {
    writer.tell(event("bad", "web" + std::to_string(i)));
  }
  writer.pause();
  EXPECT_EQ(api.in_flight(), 0U);
  api.release();
  EXPECT_FALSE(loop.run_until([&] { return api.requests.size() > 4; }, 20ms));
}

}  // namespace
}  // namespace portico::status
