#include "controller/kube/api/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/kube/api/http_call.h"
#include "controller/kube/api/testing/client_fixture.h"
#include "controller/kube/api/testing/gzip.h"

namespace portico::kube {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using Kind = ApiFailure::Kind;

class HttpClient : public ClientFixture {};

TEST_F(HttpClient, AsksAndIsAnswered) {
  server_.on_request = [](FakeConnection& connection, const FakeRequest&) {
    connection.send(fake_answer("{}", "201 Created", "Retry-After: 3\r\n"));
  };
  access_.user.token.bytes = "secret";
  access_.user.impersonation = {{"Impersonate-User", "jane"}};
  open();
  const Answer answer = ask({.method = "POST",
                             .target = "/api?x=1 \r\nX: y",
                             .content_type = "application/json",
                             .body = "{1}"});
  EXPECT_EQ(answer.response.status, 201);
  EXPECT_EQ(answer.response.body, "{}");
  EXPECT_EQ(answer.response.retry_after, 3s);
  const FakeRequest& request = server_.requests.at(0);
  EXPECT_EQ(
      request.head,
      "POST /api?x=1%20%0D%0AX:%20y HTTP/1.1\r\nHost: " + authority() +
          "\r\nUser-Agent: portico/" PORTICO_VERSION
          "\r\nAccept: application/json\r\nAccept-Encoding: gzip\r\nAuthorization: Bearer secret"
          "\r\nImpersonate-User: jane\r\nContent-Type: application/json\r\nContent-Length: 3\r\n");
  EXPECT_EQ(request.body, "{1}");
}

TEST_F(HttpClient, KeepsItsConnection) {
  open();
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(ask({}).response.status, 200);
  }
  EXPECT_EQ(server_.connections.size(), 1U);
}

TEST_F(HttpClient, KeepsNoConnectionThatTheServerCloses) {
  server_.on_request = [](FakeConnection& connection, const FakeRequest&) {
    connection.send(fake_answer("{}", "200 OK", "Connection: close\r\n"));
    connection.finish();
  };
  open();
  ask({});
  ask({});
  EXPECT_EQ(server_.connections.size(), 2U);
}

TEST_F(HttpClient, RunsAFewCallsAtOnceAndTheOthersInTurn) {
  std::vector<FakeConnection*> waiting;
  server_.on_request = [&](FakeConnection& connection, const FakeRequest&) {
    waiting.push_back(&connection);
  };
  open();
  int done = 0;
  std::vector<std::unique_ptr<ApiCall>> calls;
  for (int i = 0; i < 20; ++i) {
    calls.push_back(
        client_->call({}, [&done](auto answer) { done += answer.has_value() ? 1 : 0; }));
  }
  ASSERT_TRUE(until([&] { return waiting.size() == HttpApiClient::kMaxCalls; }));
  while (done < 20) {
    ASSERT_FALSE(waiting.empty());
    for (FakeConnection* connection : std::exchange(waiting, {})) {
      connection->send(fake_answer("{}"));
    }
    ASSERT_TRUE(until([&] { return !waiting.empty() || done == 20; }));
  }
  EXPECT_EQ(server_.connections.size(), HttpApiClient::kMaxCalls);
}

TEST_F(HttpClient, AStaleConnectionIsReplacedUnseen) {
  open();
  ask({});
  // The server takes the next request and closes without a word.
  server_.on_request = [this](FakeConnection& connection, const FakeRequest&) {
    server_.on_request = answer_well();
    connection.reset();
  };
  EXPECT_EQ(ask({}).response.status, 200);
  EXPECT_EQ(server_.requests.size(), 3U);
  EXPECT_EQ(server_.connections.size(), 2U);
}

TEST_F(HttpClient, APostIsNotSentTwice) {
  open();
  ask({});
  server_.on_request = [](FakeConnection& connection, const FakeRequest&) { connection.reset(); };
  EXPECT_EQ(ask({.method = "POST"}).failure.kind, Kind::kCut);
  EXPECT_EQ(server_.requests.size(), 2U);
}

TEST_F(HttpClient, AConnectionThatClosesWhileItIsKeptIsForgotten) {
  open();
  ask({});
  server_.connections.at(0)->finish();
  auto& idle = static_cast<HttpApiClient&>(*client_).idle();
  ASSERT_TRUE(until([&] { return idle.size() == 0; }));
  EXPECT_EQ(ask({.method = "POST"}).response.status, 200);
}

TEST_F(HttpClient, AnAnswerThatIsCutAnywhereIsAFailure) {
  const std::string whole = fake_answer("0123456789");
  for (std::size_t size = 0; size < whole.size(); size += 7) {
    server_.on_request = [&](FakeConnection& connection, const FakeRequest&) {
      connection.send(whole.substr(0, size));
      connection.finish();
    };
    open();
    const Answer answer = ask({});
    EXPECT_EQ(answer.failure.kind, Kind::kCut);
    EXPECT_EQ(answer.failure.message,
              url() + (size == 0 ? ": the connection ended without an answer"
                                 : ": the connection ended in the middle of the answer"));
  }
}

TEST_F(HttpClient, WhatIsNoHttpIsAFailure) {
  server_.on_request = [](FakeConnection& connection, const FakeRequest&) {
    connection.send("220 mail.example.com ESMTP\r\n");
  };
  open();
  const Answer answer = ask({});
  EXPECT_EQ(answer.failure.kind, Kind::kProtocol);
  EXPECT_EQ(answer.failure.message,
            url() + ": the answer can't be read: it does not begin like HTTP");
}

TEST_F(HttpClient, ARedirectIsAFailureThatSaysSo) {
  server_.on_request = [](FakeConnection& connection, const FakeRequest&) {
    connection.send(fake_answer("", "302 Found", "Location: https://login.example.com/\r\n"));
  };
  open();
  const Answer answer = ask({});
  EXPECT_EQ(answer.failure.kind, Kind::kProtocol);
  EXPECT_THAT(answer.failure.message,
              HasSubstr("302, a redirect to \"https://login.example.com/\""));
}

TEST_F(HttpClient, ACallTimesOut) {
  server_.on_request = [](FakeConnection& connection, const FakeRequest&) {
    connection.send("HTTP/1.1");
  };
  open();
  const Answer answer = ask({.target = "/api/v1/pods?limit=5", .timeout = 1500ms});
  EXPECT_EQ(answer.failure.kind, Kind::kTimedOut);
  EXPECT_EQ(answer.failure.message,
            url() + ": GET /api/v1/pods timed out after 1.5 s, waiting for the answer");
}

TEST_F(HttpClient, ACallTimesOutWaitingForItsTurn) {
  server_.on_request = nullptr;
  open();
  std::vector<std::unique_ptr<ApiCall>> calls;
  for (std::size_t i = 0; i < HttpApiClient::kMaxCalls; ++i) {
    calls.push_back(client_->call({}, [](auto) {}));
  }
  EXPECT_THAT(ask({.timeout = 200ms}).failure.message, HasSubstr("waiting for its turn"));
}

TEST_F(HttpClient, NobodyThereIsAFailure) {
  open();
  server_.stop();
  const Answer answer = ask({});
  EXPECT_EQ(answer.failure.kind, Kind::kConnect);
  EXPECT_EQ(answer.failure.message, url() + ": " + authority() + ": connection refused");
}

TEST_F(HttpClient, UnpacksGzip) {
  const std::string body(3'000'000, 'x');
  server_.on_request = [&](FakeConnection& connection, const FakeRequest&) {
    connection.send(fake_answer(gzip(body), "200 OK", "Content-Encoding: gzip\r\n"));
  };
  open();
  EXPECT_EQ(ask({}).response.body, body);
  access_.accepts_gzip = false;
  open();
  ask({});
  EXPECT_EQ(server_.requests.back().field("Accept-Encoding"), "identity");
}

TEST_F(HttpClient, BoundsWhatItKeepsOfAnAnswer) {
  const std::string packed = gzip(std::string(ApiClient::kMaxAnswer + 1, 'x'));
  server_.on_request = [&](FakeConnection& connection, const FakeRequest&) {
    connection.send(fake_answer(packed, "200 OK", "Content-Encoding: gzip\r\n"));
  };
  open();
  EXPECT_EQ(ask({}).failure.kind, Kind::kTooLarge);
}

TEST_F(HttpClient, ACallThatIsGivenUpIsNotTold) {
  std::vector<FakeConnection*> waiting;
  server_.on_request = [&](FakeConnection& connection, const FakeRequest&) {
    waiting.push_back(&connection);
  };
  open();
  bool told = false;
  auto asked = client_->call({}, [&](auto) { told = true; });
  auto never_started = client_->call({}, [&](auto) { told = true; });
  never_started.reset();
  ASSERT_TRUE(until([&] { return !waiting.empty(); }));
  asked.reset();
  ASSERT_TRUE(until([&] { return waiting[0]->ended(); }));
  EXPECT_FALSE(told);
  EXPECT_EQ(server_.requests.size(), 1U);
}

TEST_F(HttpClient, ACallMayBeDestroyedByWhatItTells) {
  open();
  std::unique_ptr<ApiCall> call;
  bool told = false;
  call = client_->call({}, [&](auto) {
    call.reset();
    client_.reset();
    told = true;
  });
  EXPECT_TRUE(until([&] { return told; }));
}

TEST_F(HttpClient, ARefusedTokenIsReadAgainAndTheCallRepeatedOnce) {
  access_.user.token.file = folder_.write("token", "old");
  server_.on_request = [this](FakeConnection& connection, const FakeRequest& request) {
    folder_.replace("token", "new");
    const bool good = request.field("Authorization") == "Bearer new";
    connection.send(good ? fake_answer("{}") : fake_answer("who?", "401 Unauthorized"));
  };
  open();
  EXPECT_EQ(ask({}).response.status, 200);
  EXPECT_EQ(server_.requests.size(), 2U);
}

TEST_F(HttpClient, ATokenThatStaysRefusedIsTold) {
  access_.user.token.file = folder_.write("token", "old");
  server_.on_request = [this](FakeConnection& connection, const FakeRequest&) {
    folder_.replace("token", "new" + std::to_string(server_.requests.size()));
    connection.send(fake_answer("who?", "401 Unauthorized"));
  };
  open();
  const Answer answer = ask({});
  EXPECT_EQ(answer.response.status, 401);
  EXPECT_EQ(answer.response.body, "who?");
  EXPECT_EQ(server_.requests.size(), 2U);
}

TEST_F(HttpClient, AMissingTokenFailsEveryCallThatWaits) {
  access_.user.token = {.file = (folder_ / "token").string(), .named = "config: tokenFile"};
  open();
  int failed = 0;
  std::vector<std::unique_ptr<ApiCall>> calls;
  for (int i = 0; i < 3; ++i) {
    calls.push_back(client_->call({}, [&](auto answer) {
      EXPECT_EQ(answer.error().kind, Kind::kCredentials);
      EXPECT_THAT(answer.error().message, HasSubstr(": config: tokenFile: can't read "));
      ++failed;
      calls.clear();  // any of them may be destroyed
    }));
  }
  ASSERT_TRUE(until([&] { return failed > 0; }));
  EXPECT_EQ(failed, 1);
  folder_.write("token", "t");
  EXPECT_EQ(ask({}).response.status, 200);
}

TEST_F(HttpClient, APluginIsAskedOnceForAllThatWait) {
  const std::string script = folder_.write(
      "login",
      "#!/bin/sh\necho run >> \"$(dirname \"$0\")/runs\"\n"
      "echo \"$KUBERNETES_EXEC_INFO\" > \"$(dirname \"$0\")/info\"\n"
      "echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\","
      "\"status\":{\"token\":\"'\"$1-$EXTRA\"'\"}}'\n");
  std::filesystem::permissions(script, std::filesystem::perms::owner_all);
  access_.user.plugin = {.command = script,
                         .arguments = {"argument"},
                         .environment = {{"EXTRA", "x"}},
                         .api_version = "client.authentication.k8s.io/v1"};
  open();
  int done = 0;
  std::vector<std::unique_ptr<ApiCall>> calls;
  for (int i = 0; i < 3; ++i) {
    calls.push_back(client_->call({}, [&](auto answer) { done += answer.has_value() ? 1 : 0; }));
  }
  ASSERT_TRUE(until([&] { return done == 3; }));
  EXPECT_EQ(server_.requests[0].field("Authorization"), "Bearer argument-x");
  EXPECT_EQ(contents("runs"), "run\n");
  EXPECT_THAT(contents("info"), StartsWith("{\"kind\":\"ExecCredential\""));
}

TEST_F(HttpClient, AFailingPluginIsOneLine) {
  const std::string script =
      folder_.write("login", "#!/bin/sh\necho no session >&2\necho again >&2\nexit 3\n");
  std::filesystem::permissions(script, std::filesystem::perms::owner_all);
  access_.user.plugin = {.command = script, .named = "config: exec"};
  open();
  EXPECT_EQ(ask({}).failure.message,
            url() + ": config: exec: " + script + " exited with 3: no session again");
  access_.user.plugin = {
      .command = "/no/such/login", .install_hint = "apt install login", .named = "config: exec"};
  open();
  const Answer missing = ask({});
  EXPECT_EQ(missing.failure.kind, Kind::kCredentials);
  EXPECT_EQ(missing.failure.message,
            url() +
                ": config: exec: /no/such/login can't be started: No such file or directory; "
                "apt install login");
}

TEST_F(HttpClient, AStreamTellsPieceByPiece) {
  FakeConnection* open_connection = nullptr;
  server_.on_request = [&](FakeConnection& connection, const FakeRequest&) {
    open_connection = &connection;
    connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  };
  open();
  RecordingStream sink;
  const auto call = client_->stream({.timeout = 60s}, sink);
  ASSERT_TRUE(until([&] { return sink.told == "open"; }));
  open_connection->send("5\r\nhello\r\n");
  ASSERT_TRUE(until([&] { return sink.told == "open hello"; }));
  open_connection->send("2\r\n w\r\n0\r\n\r\n");
  ASSERT_TRUE(until([&] { return sink.told == "open hello  w end"; })) << sink.told;
}

TEST_F(HttpClient, AStreamsTimeoutIsThatOfItsHead) {
  FakeConnection* open_connection = nullptr;
  server_.on_request = [&](FakeConnection& connection, const FakeRequest&) {
    open_connection = &connection;
    connection.send("HTTP/1.1 200 OK\r\n\r\n");
  };
  open();
  RecordingStream sink;
  const auto call = client_->stream({.timeout = 1500ms}, sink);
  ASSERT_TRUE(until([&] { return sink.told == "open"; }));
  EXPECT_FALSE(loop_.run_until([&] { return sink.told != "open"; }, 2000ms));
  open_connection->reset();
  ASSERT_TRUE(until([&] { return sink.told != "open"; }));
  EXPECT_EQ(sink.told, "open failure: " + url() + ": the connection was broken");
}

TEST_F(HttpClient, AStreamThatIsRefusedTellsTheWholeAnswer) {
  server_.on_request = [](FakeConnection& connection, const FakeRequest&) {
    connection.send(fake_answer("too old", "410 Gone"));
  };
  open();
  RecordingStream sink;
  const auto call = client_->stream({}, sink);
  ASSERT_TRUE(until([&] { return sink.told == "refused 410 too old"; })) << sink.told;
}

TEST_F(HttpClient, StreamsTakeNoCallsTurn) {
  server_.on_request = [](FakeConnection& connection, const FakeRequest& request) {
    connection.send(request.line() == "GET /watch HTTP/1.1"
                        ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                        : fake_answer("{}"));
  };
  open();
  RecordingStream sink;
  std::vector<std::unique_ptr<ApiCall>> streams;
  for (std::size_t i = 0; i < HttpApiClient::kMaxCalls + 2; ++i) {
    streams.push_back(client_->stream({.target = "/watch"}, sink));
  }
  EXPECT_EQ(ask({}).response.status, 200);
}

TEST_F(HttpClient, AStreamMayBeDestroyedByAnythingItTells) {
  server_.on_request = [](FakeConnection& connection, const FakeRequest&) {
    connection.send(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n");
  };
  for (const char* last : {"open", "open a", "open a b", "open a b end"}) {
    open();
    RecordingStream sink;
    auto call = client_->stream({}, sink);
    sink.after = [&] {
      if (sink.told == last) {
        call.reset();
        client_.reset();
      }
    };
    ASSERT_TRUE(until([&] { return call == nullptr; })) << last;
    EXPECT_EQ(sink.told, last);
  }
}

}  // namespace
}  // namespace portico::kube
