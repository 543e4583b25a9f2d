#include "controller/kube/cluster/reflector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/kube/cluster/testing/model_server.h"

namespace portico::kube {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::ModelServer;
using ::testing::Not;
using ::testing::StartsWith;
using Do = Reflector::Action::Do;

constexpr const char* kPath = "/apis/networking.k8s.io/v1/ingresses";

ObjectKey key(const std::string& name) {
  return {kind_index<Ingress>(), "shop", name};
}

class ReflectorTest : public ::testing::Test {
 protected:
  Reflector::Action next() { return reflector_.next(now_); }
  std::string asks(Do what) {
    const auto action = next();
    EXPECT_EQ(action.what, what);
    return action.request.target;
  }
  void answer(int status, std::optional<std::chrono::seconds> retry_after = std::nullopt) {
    auto response = ModelServer::refusal(status, "says the server");
    response.retry_after = retry_after;
    if (streaming_) {
      reflector_.on_refused(response, now_);
    } else {
      reflector_.on_answer(response, now_);
    }
  }
  void list() { reflector_.on_answer(server_.list(asks(Do::kCall)), now_); }
  std::string open_watch() {
    auto target = asks(Do::kStream);
    reflector_.on_open(now_);
    return target;
  }
  std::chrono::milliseconds rest() {
    const auto action = next();
    EXPECT_EQ(action.what, Do::kRest);
    const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(action.until - now_);
    now_ = action.until;
    reflector_.on_time(now_);
    return wait;
  }
  std::string message() {
    const auto findings = reflector_.findings();
    return findings.empty() ? "" : findings[0].message + "; " + findings[0].fix;
  }

  ModelServer server_{2};
  Reflector reflector_{{.kind = kind_index<Ingress>()}, 1};
  Reflector::Time now_{1000s};
  bool streaming_ = false;
};

TEST_F(ReflectorTest, ListsInPagesAndWatchesFromTheList) {
  for (const auto* name : {"a", "b", "c"}) {
    server_.put(key(name), "");
  }
  auto target = asks(Do::kCall);
  EXPECT_EQ(target, std::string(kPath) + "?limit=500");
  EXPECT_EQ(next().what, Do::kGoOn) << "a request is made once";
  reflector_.on_answer(server_.list(target), now_);
  EXPECT_THAT(reflector_.take_changes(), IsEmpty()) << "a list is told when it is whole";
  target = asks(Do::kCall);
  EXPECT_EQ(target, std::string(kPath) + "?limit=500&continue=13.2");
  reflector_.on_answer(server_.list(target), now_);
  EXPECT_EQ(reflector_.take_changes().size(), 3u);
  EXPECT_TRUE(reflector_.has_listed());
  EXPECT_THAT(open_watch(),
              AllOf(StartsWith(std::string(kPath) +
                               "?watch=1&allowWatchBookmarks=true&resourceVersion=13&"),
                    HasSubstr("timeoutSeconds=")));
}

TEST_F(ReflectorTest, ResumesAWatchByTheLastBookmark) {
  list();
  const auto target = open_watch();
  server_.put(key("a"), "");
  server_.remove(key("a"));
  reflector_.on_piece(server_.bookmark(target), now_);
  now_ += 300s;
  reflector_.on_end(now_);
  EXPECT_THAT(asks(Do::kStream), HasSubstr("resourceVersion=12"));
}

TEST_F(ReflectorTest, ToldTheSameAgainTellsNobody) {
  server_.put(key("a"), "\"spec\":{}");
  list();
  reflector_.take_changes();
  const auto target = open_watch();
  std::uint64_t cursor = 11;
  server_.put(key("a"), "\"spec\":{}");
  reflector_.on_piece(*server_.watch(target, cursor), now_);
  EXPECT_THAT(reflector_.take_changes(), IsEmpty());
}

TEST_F(ReflectorTest, TellsOnlyTheDifferenceAfterA410) {
  for (const auto* name : {"a", "b"}) {
    server_.put(key(name), "\"spec\":{}");
  }
  list();
  reflector_.take_changes();
  open_watch();
  now_ += 100s;
  server_.remove(key("a"));
  server_.put(key("c"), "");
  reflector_.on_piece(ModelServer::error_event(410), now_);
  list();
  const auto changes = reflector_.take_changes();
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_EQ(changes[0].key, key("a"));
  EXPECT_EQ(changes[0].object, nullptr);
  EXPECT_EQ(changes[1].key, key("c"));
  EXPECT_NE(changes[1].object, nullptr);
}

TEST_F(ReflectorTest, AsksForEverythingAtOnceWherePagesExpireTwice) {
  for (const auto* name : {"a", "b", "c"}) {
    server_.put(key(name), "");
  }
  for (int i = 0; i < 2; ++i) {
    list();
    EXPECT_THAT(asks(Do::kCall), HasSubstr("continue="));
    answer(410);
  }
  const auto target = asks(Do::kCall);
  EXPECT_EQ(target, kPath);
  reflector_.on_answer(server_.list(target), now_);
  EXPECT_EQ(reflector_.take_changes().size(), 3u);
}

TEST_F(ReflectorTest, AsksForSmallerPagesWhereTheyAreTooLarge) {
  asks(Do::kCall);
  reflector_.on_failure({ApiFailure::Kind::kTooLarge, "too large"}, now_);
  EXPECT_THAT(asks(Do::kCall), HasSubstr("limit=125"));
}

TEST_F(ReflectorTest, WaitsLongerAndLongerWhereNobodyAnswers) {
  std::vector<std::chrono::milliseconds> waits;
  for (int i = 0; i < 8; ++i) {
    asks(Do::kCall);
    reflector_.on_failure({ApiFailure::Kind::kConnect, "refused"}, now_);
    waits.push_back(rest());
  }
  EXPECT_GE(waits[0], 100ms);
  EXPECT_LE(waits[0], 200ms);
  EXPECT_GT(waits[3], 2 * waits[0]);
  EXPECT_LE(waits[7], Reflector::kLongestAlone);
  EXPECT_EQ(reflector_.failures(), 8);
  EXPECT_EQ(reflector_.failure(), "refused");
}

TEST_F(ReflectorTest, WaitsNoLongerOnceOthersAreAnswered) {
  asks(Do::kCall);
  reflector_.on_failure({ApiFailure::Kind::kConnect, "refused"}, now_);
  EXPECT_EQ(next().what, Do::kRest);
  reflector_.nudge();
  EXPECT_EQ(next().what, Do::kCall);
}

TEST_F(ReflectorTest, ANudgeHurriesNobodyWhoWasToldToWait) {
  asks(Do::kCall);
  answer(429, 9s);
  reflector_.nudge();
  EXPECT_GE(rest(), 9s);
}

TEST_F(ReflectorTest, HonoursRetryAfter) {
  for (const int status : {429, 503, 500}) {
    asks(Do::kCall);
    answer(status, 7s);
    const auto wait = rest();
    EXPECT_GE(wait, 7s);
    EXPECT_LE(wait, 8s);
  }
}

TEST_F(ReflectorTest, NamesTheRightThatIsMissing) {
  Reflector secrets({.kind = kind_index<Secret>(), .namespace_ = "shop"}, 1);
  static_cast<void>(secrets.next(now_));
  secrets.on_answer(ModelServer::refusal(403, "forbidden to u"), now_);
  EXPECT_TRUE(secrets.is_denied());
  EXPECT_TRUE(secrets.take_findings_changed());
  EXPECT_EQ(secrets.failures(), 0);
  ASSERT_EQ(secrets.findings().size(), 1u);
  EXPECT_EQ(secrets.findings()[0].message,
            "may not list secrets in namespace shop: forbidden to u");
  EXPECT_EQ(secrets.findings()[0].fix, "grant this account the verbs list and watch of secrets");
}

TEST_F(ReflectorTest, ListsNowAndThenWhereItMayNotWatch) {
  server_.put(key("a"), "");
  list();
  asks(Do::kStream);
  streaming_ = true;
  answer(403);
  EXPECT_THAT(message(), StartsWith("may not watch ingresses"));
  rest();
  streaming_ = false;
  server_.put(key("b"), "");
  list();
  EXPECT_EQ(reflector_.take_changes().size(), 2u);
  EXPECT_THAT(message(), StartsWith("may not watch ingresses"));
  open_watch();
  EXPECT_EQ(message(), "");
}

TEST_F(ReflectorTest, AsksSoonAgainWhereAServerThatWasAwayRefuses) {
  for (int i = 0; i < 12; ++i) {
    ASSERT_EQ(next().what, Do::kCall);
    reflector_.on_failure({.kind = ApiFailure::Kind::kConnect, .message = "refused"}, now_);
    rest();
  }
  asks(Do::kCall);
  answer(403);
  EXPECT_LE(rest(), Backoff::kFirst);
  for (int i = 0; i < 12; ++i) {
    asks(Do::kCall);
    answer(403);
    EXPECT_LE(rest(), Reflector::kLongestRefused);
  }
}

TEST_F(ReflectorTest, CutsAWatchThatTheServerForgetsToEnd) {
  list();
  const auto target = open_watch();
  const auto opened = now_;
  while (true) {
    now_ += 60s;
    reflector_.on_time(now_);
    if (next().what == Do::kStream) {
      break;
    }
    reflector_.on_piece(server_.bookmark(target), now_);
  }
  EXPECT_GE(now_ - opened, Reflector::kShortestWatch);
  EXPECT_LE(now_ - opened, Reflector::kLongestWatch + Reflector::kWatchMargin + 60s);
}

TEST_F(ReflectorTest, CutsAWatchWhoseBookmarksStop) {
  list();
  const auto target = open_watch();
  now_ += 60s;
  reflector_.on_piece(server_.bookmark(target), now_);
  EXPECT_EQ(next().until, now_ + Reflector::kLongestQuiet);
}

TEST_F(ReflectorTest, CutsAWatchThatNeverSaysAWord) {
  list();
  open_watch();
  const auto until = next().until;
  EXPECT_EQ(until, now_ + Reflector::kLongestQuiet);
  reflector_.on_time(until - 1s);
  EXPECT_EQ(next().what, Do::kGoOn);
  reflector_.on_time(until);
  EXPECT_EQ(next().what, Do::kStream);
}

TEST_F(ReflectorTest, ListsAgainWhereTheServerKeepsRefusingToWatch) {
  list();
  streaming_ = true;
  for (int i = 0; i < 3; ++i) {
    asks(Do::kStream);
    answer(504, 1s);
    rest();
  }
  EXPECT_EQ(next().what, Do::kCall);
}

TEST_F(ReflectorTest, AnObjectThatCannotBeUsedKeepsWhatWasKnownOfIt) {
  server_.put(key("a"), "\"spec\":{\"ingressClassName\":\"x\"}");
  list();
  reflector_.take_changes();
  const auto target = open_watch();
  std::uint64_t cursor = 11;
  server_.put(key("a"), "\"spec\":{\"rules\":5}");
  reflector_.on_piece(*server_.watch(target, cursor), now_);
  EXPECT_THAT(reflector_.take_changes(), IsEmpty());
  EXPECT_THAT(message(), HasSubstr("spec.rules: must be a list"));
  reflector_.on_piece(ModelServer::error_event(410), now_);
  now_ += 100s;
  rest();
  list();
  EXPECT_THAT(reflector_.take_changes(), IsEmpty());
  server_.put(key("a"), "");
  open_watch();
  reflector_.on_piece(*server_.watch(target, cursor), now_);
  EXPECT_EQ(reflector_.take_changes().size(), 1u);
  EXPECT_EQ(message(), "");
}

}  // namespace
}  // namespace portico::kube
