// An HttpApiClient on a loop with a server that says what a test wants.
#pragma once

#include <chrono>
#include <ctime>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "controller/kube/api/client.h"
#include "controller/kube/api/connect.h"
#include "controller/kube/api/testing/fake_api_server.h"
#include "proxy/net/loop.h"
#include "routing/testing/temp_folder.h"

namespace portico::kube {

using namespace std::chrono_literals;

// What a stream was told, in words.
class RecordingStream final : public ApiStreamSink {
 public:
  void on_refused(ApiResponse response) override {
    note("refused " + std::to_string(response.status) + " " + response.body);
  }
  void on_open() override { note("open"); }
  void on_piece(std::string_view piece) override { note(std::string(piece)); }
  void on_end() override { note("end"); }
  void on_failure(ApiFailure failure) override { note("failure: " + failure.message); }

  std::string told;
  std::function<void()> after;

 private:
  void note(const std::string& what) {
    told += (told.empty() ? "" : " ") + what;
    if (after) {
      after();
    }
  }
};

class ClientFixture : public ::testing::Test {
 protected:
  struct Answer {
    ApiResponse response;  // status 0: a failure
    ApiFailure failure;
  };

  ClientFixture() { server_.on_request = answer_well(); }

  static FakeConnection::OnRequest answer_well() {
    return
        [](FakeConnection& connection, const FakeRequest&) { connection.send(fake_answer("{}")); };
  }
  // As access_ says, to the fake server where it names none.
  void open() {
    client_.reset();
    ApiAccess access = access_;
    access.server = access.server.empty() ? url() : access.server;
    auto made = open_api_client(loop_, access);
    ASSERT_TRUE(made) << made.error();
    client_ = std::move(*made);
  }
  Answer ask(ApiRequest request) {
    Answer told;
    bool done = false;
    const auto call = client_->call(std::move(request), [&](auto answer) {
      done = true;
      if (answer) {
        told.response = std::move(*answer);
      } else {
        told.failure = std::move(answer.error());
      }
    });
    EXPECT_FALSE(done);  // never from inside
    EXPECT_TRUE(until([&] { return done; }));
    return told;
  }
  bool until(std::function<bool()> done) { return loop_.run_until(std::move(done), 60s); }
  [[nodiscard]] std::string authority() const { return server_.address().to_string(); }
  [[nodiscard]] std::string url() const { return "http://" + authority(); }
  std::string contents(std::string_view name) {
    std::ifstream file(folder_ / name);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  net::Loop loop_;
  TempFolder folder_;
  FakeApiServer server_{loop_};
  ApiAccess access_;
  std::unique_ptr<ApiClient> client_;
};

}  // namespace portico::kube
