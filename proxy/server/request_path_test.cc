#include "proxy/server/testing/request_path.h"

#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "routing/testing/count_allocations.h"

namespace portico::server {
namespace {

using exchange::testing::ConfigBuilder;
using ::testing::EndsWith;
using testing::RequestPath;
using ::testing::StartsWith;

TEST(RequestPath, CarriesARequestAndItsAnswer) {
  RequestPath path;
  path.from_client("GET /a HTTP/1.1\r\nHost: a.example\r\n\r\n");
  EXPECT_THAT(path.to_backend.take(), StartsWith("GET /a HTTP/1.1\r\nHost: a.example\r\n"));
  path.from_backend("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
  EXPECT_THAT(path.to_client.take(), EndsWith("Content-Length: 2\r\n\r\nhi"));
  EXPECT_TRUE(path.upstreams.idle());
}

TEST(RequestPath, WritesOnceForEachSide) {
  RequestPath path;
  path.from_client("POST /a HTTP/1.1\r\nHost: a.example\r\nContent-Length: 3\r\n\r\nabc");
  path.from_backend("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
  EXPECT_EQ(path.to_backend.writes, 1);
  EXPECT_EQ(path.to_client.writes, 1);
}

TEST(RequestPath, AllocatesNothingOnceItIsWarm) {
  RequestPath path;
  path.worker.recorder.keep = false;
  const auto request = [&path] {
    path.to_client.written.clear();
    path.to_backend.written.clear();
    path.from_client(
        "GET /api/v1/items?page=2 HTTP/1.1\r\nHost: a.example\r\nUser-Agent: curl/8\r\n"
        "Accept: */*\r\nCookie: session=0123456789abcdef\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n");
    path.from_backend(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n"
        "{\"items\": \"\"}\r\n");
  };
  request();
  request();
  EXPECT_EQ(routing::testing::count_allocations([&] {
              for (int i = 0; i < 100; ++i) {
                request();
              }
            }),
            0U);
  EXPECT_THAT(path.to_client.written, StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST(RequestPath, AllocatesNothingForAWarmUpload) {
  RequestPath path;
  path.worker.recorder.keep = false;
  const auto request = [&path] {
    path.to_client.written.clear();
    path.to_backend.written.clear();
    path.from_client(
        "POST /a/../b HTTP/1.1\r\nHost: A.example:80\r\nTransfer-Encoding: chunked\r\n\r\n"
        "5\r\nhello\r\n");
    path.from_client("0\r\n\r\n");
    path.from_backend("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
  };
  request();
  request();
  EXPECT_EQ(routing::testing::count_allocations([&] {
              for (int i = 0; i < 100; ++i) {
                request();
              }
            }),
            0U);
  EXPECT_THAT(path.to_client.written, EndsWith("3\r\nabc\r\n0\r\n\r\n"));
}

// ---- an event at every step

struct Step {
  bool by_client;
  std::string_view bytes;
};
using Script = std::vector<Step>;

const std::vector<Script>& scripts() {
  static const std::vector<Script> kScripts{
      {{true, "POST /a HTTP/1.1\r\nHost: a.exam"},
       {true, "ple\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab"},
       {false, "HTTP/1.1 103 Early Hints\r\n\r\n"},
       {true, "c\r\n0\r\n"},
       {true, "\r\n"},
       {false, "HTTP/1.1 200 OK\r\nTransfer-Enc"},
       {false, "oding: chunked\r\n\r\n3\r\na"},
       {false, "bc\r\n0\r\n\r\n"},
       {true, "GET /b HTTP/1.1\r\nHost: a.example\r\n\r\nGET /c HTTP/1.1\r\n"},
       {false, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"},
       {true, "Host: a.example\r\n\r\n"},
       {false, "HTTP/1.1 200 OK\r\n\r\nuntil"}},
      {{true, "GET / HTTP/1.1\r\nHost: a.example\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"},
       {true, "early"},
       {false, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nhi"},
       {true, "ping"},
       {false, "pong"}},
  };
  return kScripts;
}

const std::vector<std::pair<std::string_view, std::function<void(RequestPath&)>>>& events() {
  static const std::vector<std::pair<std::string_view, std::function<void(RequestPath&)>>> kEvents{
      {"client ends", [](RequestPath& p) { p.to_client.end(); }},
      {"client resets", [](RequestPath& p) { p.to_client.fail(net::TransportError::kReset); }},
      {"client sends nonsense", [](RequestPath& p) { p.to_client.receive("\r\n\x01\r\n\r\n"); }},
      {"client stops reading", [](RequestPath& p) { p.to_client.full = true; }},
      {"backend ends", [](RequestPath& p) { p.to_backend.end(); }},
      {"backend resets", [](RequestPath& p) { p.to_backend.fail(net::TransportError::kReset); }},
      {"backend sends nonsense", [](RequestPath& p) { p.to_backend.receive("\r\n\x01\r\n\r\n"); }},
      {"backend stops reading", [](RequestPath& p) { p.to_backend.full = true; }},
      {"time passes", [](RequestPath& p) { p.pass(std::chrono::seconds(200)); }},
      {"drain",
       [](RequestPath& p) {
         p.worker.context.draining = true;
         if (p.connection != nullptr) {
           p.connection->drain();
         }
       }},
      {"the Config changes", [](RequestPath& p) { p.worker.adopt(ConfigBuilder().build()); }},
      {"destroyed", [](RequestPath& p) { p.connection.reset(); }},
  };
  return kEvents;
}

// Whatever happens, every exchange is recorded once and nothing is kept once all have gone.
void play(const Script& script, std::size_t at, const std::function<void(RequestPath&)>& event) {
  RequestPath path;
  for (std::size_t i = 0; i < script.size(); ++i) {
    script[i].by_client ? path.from_client(script[i].bytes) : path.from_backend(script[i].bytes);
    if (i == at) {
      event(path);
      path.turn();
    }
  }
  path.to_client.drain();
  path.to_backend.drain();
  path.turn();
  path.to_client.end();
  path.to_backend.end();
  for (int seconds = 300; seconds < 1200; seconds += 100) {
    path.turn();
    if (path.upstreams.connecting()) {
      path.upstreams.refuse();
    }
    path.pass(std::chrono::seconds(seconds));
    path.to_client.drain();
  }
  EXPECT_TRUE(path.to_client.closed || path.to_client.destroyed);
  EXPECT_TRUE(path.worker.context.pinned.empty());
  EXPECT_TRUE(!path.upstreams.open() || path.upstreams.idle());
  EXPECT_LE(path.worker.recorder.records.size(), 4U);
  path.reaper.free_all();
}

TEST(RequestPath, EndsCleanlyWhateverHappensWherever) {
  for (const auto& script : scripts()) {
    for (const auto& [name, event] : events()) {
      for (std::size_t at = 0; at < script.size(); ++at) {
        SCOPED_TRACE(std::string(name) + " after step " + std::to_string(at));
        play(script, at, event);
      }
    }
  }
}

}  // namespace
}  // namespace portico::server
