// One call or stream of the HTTP client, from the queue to its answer.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>

#include "controller/kube/api/api_connection.h"
#include "controller/kube/api/client.h"
#include "controller/kube/api/dial.h"
#include "controller/kube/api/idle_connections.h"
#include "proxy/net/deadline.h"

namespace portico::kube {

struct Credential;
class HttpApiClient;

// waiting ──start()──> dialling ──> asking ──> over
//    ^                                │
//    └── a 401 that may be mended ────┘   (and a stale connection goes back to dialling), once each
//
// Thread:    the loop's.
// Lifetime:  owned by who asked; the client knows it until it is over.
class HttpCall final : public ApiCall, AnswerSink {
 public:
  using Consumer = std::variant<ApiClient::Handler, ApiStreamSink*>;

  HttpCall(HttpApiClient& client, ApiRequest request, Consumer consumer);
  ~HttpCall() override;
  HttpCall(const HttpCall&) = delete;
  HttpCall& operator=(const HttpCall&) = delete;

  [[nodiscard]] bool is_stream() const { return consumer_.index() == 1; }
  // `head`: the request's. Tells nobody anything before it returns.
  void start(std::string head, std::uint64_t credential_version, IdleConnections::Context context);
  // Tells the consumer, who may destroy this.
  void fail(ApiFailure::Kind kind, std::string_view why);
  [[nodiscard]] const ApiRequest& request() const { return request_; }

 private:
  enum class State : std::uint8_t { kWaiting, kDialling, kAsking, kOver };
  enum class Answer : std::uint8_t { kNone, kKept, kStreamed };  // what becomes of its body

  void on_head(const AnswerHead& head) override;
  void on_piece(std::string_view piece) override;
  void on_whole() override;
  void on_broken(ApiFailure::Kind kind, std::string why, bool nothing_came) override;

  void dial();
  void ask(std::unique_ptr<ApiConnection> connection);
  void on_timeout();
  void leave();

  HttpApiClient& client_;
  ApiRequest request_;
  Consumer consumer_;
  State state_ = State::kWaiting;
  Answer answer_ = Answer::kNone;
  std::string head_;
  std::uint64_t credential_version_ = 0;
  IdleConnections::Context context_;
  std::unique_ptr<Dial> dial_;
  std::unique_ptr<ApiConnection> connection_;
  ApiResponse response_;
  net::Deadline deadline_;
  bool on_kept_connection_ = false;
  bool has_mended_401_ = false;
};

}  // namespace portico::kube
