// One connection to the API server: one request at a time, kept for the next while it can be.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "controller/kube/api/answer_reader.h"
#include "controller/kube/api/client.h"
#include "proxy/net/deadline.h"
#include "proxy/net/transport.h"

namespace portico::kube {

// The side that is told of an answer, as it comes. Each call may destroy the connection.
class AnswerSink {
 public:
  virtual void on_head(const AnswerHead& head) = 0;
  virtual void on_piece(std::string_view piece) = 0;
  // Whole. is_reusable() says whether the connection can be kept.
  virtual void on_whole() = 0;
  // `nothing_came`: not a byte of the answer, so that a kept connection was perhaps just stale.
  virtual void on_broken(ApiFailure::Kind kind, std::string why, bool nothing_came) = 0;

 protected:
  ~AnswerSink() = default;
};

// Thread:    the loop's.
// Lifetime:  destroying it closes the connection; nobody is called any more.
class ApiConnection final : net::TransportSink {
 public:
  ApiConnection(net::Loop& loop, std::unique_ptr<net::Transport> transport);
  ~ApiConnection();
  ApiConnection(const ApiConnection&) = delete;
  ApiConnection& operator=(const ApiConnection&) = delete;

  // Sends a request; the sink is told from the loop, never from inside this call. Nothing may be
  // under way.
  void ask(std::string_view head, std::string_view body, AnswerSink& sink);
  [[nodiscard]] bool is_reusable() const { return sink_ == nullptr && !broken_ && keeps_alive_; }

  // Nothing is asked for now. `lost` is called when the server closes it, says something unasked,
  // or `limit` has passed; it may destroy this.
  void keep(std::chrono::milliseconds limit, std::move_only_function<void()> lost);

 private:
  std::size_t on_bytes(std::span<char> bytes) override;
  void on_end() override;
  void on_drained() override {}
  void on_error(net::TransportError error) override;

  // What on_bytes does with one event. False: this is gone, or the answer is over.
  bool act(AnswerReader::Event event);
  void lose();
  void break_off(ApiFailure::Kind kind, std::string why);

  std::unique_ptr<net::Transport> transport_;
  AnswerReader reader_;
  AnswerSink* sink_ = nullptr;  // null: nothing is under way
  std::move_only_function<void()> lost_;
  net::Deadline idle_;
  bool* destroyed_ = nullptr;  // while a sink is called: a flag on the stack below it
  bool broken_ = false;
  bool keeps_alive_ = true;
};

// What a broken transport means, and in words.
ApiFailure::Kind failure_kind(net::TransportError error);
std::string failure_text(net::TransportError error, std::string_view tls_failure);

}  // namespace portico::kube
