// An ApiClient whose server is a ModelServer in the same thread.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "controller/kube/api/client.h"
#include "controller/kube/cluster/testing/model_server.h"
#include "proxy/net/loop.h"

namespace portico::kube::testing {

class FakeApi final : public ApiClient {
 public:
  FakeApi(net::Loop& loop, const ModelServer& model) : loop_(loop), model_(model) {}

  std::unique_ptr<ApiCall> call(ApiRequest request, Handler done) override {
    requests_.push_back(request.target);
    auto state = std::make_shared<State>();
    state->target = std::move(request.target);
    loop_.post([this, state, done = std::move(done)]() mutable {
      if (!state->is_over && down_) {
        done(std::unexpected(ApiFailure{ApiFailure::Kind::kConnect, "nobody there"}));
      } else if (!state->is_over) {
        done(model_.list(state->target));
      }
    });
    return std::make_unique<Call>(std::move(state));
  }

  std::unique_ptr<ApiCall> stream(ApiRequest request, ApiStreamSink& sink) override {
    requests_.push_back(request.target);
    auto state = std::make_shared<State>();
    state->target = std::move(request.target);
    state->sink = &sink;
    loop_.post([this, state] { open(state); });
    return std::make_unique<Call>(std::move(state));
  }

  const std::string& server() const override { return server_; }

  // Tells the open streams what is new in the model.
  void push() {
    for (const auto& state : std::vector(streams_)) {
      tell(*state);
    }
    std::erase_if(streams_, [](const auto& state) { return state->is_over; });
  }
  // The server dies: every stream is cut, and nobody answers.
  void go_down() {
    down_ = true;
    for (const auto& state : std::exchange(streams_, {})) {
      if (!state->is_over) {
        state->sink->on_failure({ApiFailure::Kind::kCut, "cut"});
      }
    }
  }
  void come_back() { down_ = false; }

  [[nodiscard]] const std::vector<std::string>& requests() const { return requests_; }
  [[nodiscard]] std::size_t open_streams() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(streams_, [](const auto& state) { return !state->is_over; }));
  }

 private:
  struct State {
    std::string target;
    ApiStreamSink* sink = nullptr;
    std::uint64_t cursor = 0;
    bool is_over = false;
  };
  class Call final : public ApiCall {
   public:
    explicit Call(std::shared_ptr<State> state) : state_(std::move(state)) {}
    ~Call() override { state_->is_over = true; }

   private:
    std::shared_ptr<State> state_;
  };

  void open(const std::shared_ptr<State>& state) {
    if (state->is_over) {
      return;
    }
    if (down_) {
      state->sink->on_failure({ApiFailure::Kind::kConnect, "nobody there"});
      return;
    }
    auto events = model_.watch(state->target, state->cursor);
    if (!events) {
      state->sink->on_refused(events.error());
      return;
    }
    streams_.push_back(state);
    state->sink->on_open();
    if (!state->is_over && !events->empty()) {
      state->sink->on_piece(*events);
    }
  }

  void tell(State& state) {
    if (state.is_over) {
      return;
    }
    const auto events = model_.watch(state.target, state.cursor);
    if (!events) {
      state.sink->on_piece(ModelServer::error_event(events.error().status));
    } else if (!events->empty()) {
      state.sink->on_piece(*events);
    }
  }

  net::Loop& loop_;
  const ModelServer& model_;
  const std::string server_ = "https://api.test:6443";
  bool down_ = false;
  std::vector<std::shared_ptr<State>> streams_;
  std::vector<std::string> requests_;
};

}  // namespace portico::kube::testing
