#include "controller/kube/api/http_call.h"

#include <ctime>
#include <utility>

#include <fmt/format.h>

#include "controller/kube/api/credentials.h"
#include "controller/kube/api/http_client.h"

namespace portico::kube {
namespace {

// Of an answer that refuses a stream: a Status object, or a proxy's page of which nobody reads
// more.
constexpr std::size_t kMaxRefusal = std::size_t{64} << 10;

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

}  // namespace

HttpCall::HttpCall(HttpApiClient& client, ApiRequest request, Consumer consumer)
    : client_(client),
      request_(std::move(request)),
      consumer_(std::move(consumer)),
      deadline_(client.loop(), [this] { on_timeout(); }) {
  deadline_.arm(request_.timeout);
}

HttpCall::~HttpCall() {
  leave();
}

void HttpCall::leave() {
  deadline_.cancel();
  if (state_ != State::kOver) {
    client_.forget(*this, /*was_started=*/state_ != State::kWaiting);
    state_ = State::kOver;
  }
}

void HttpCall::start(std::string head, std::uint64_t credential_version,
                     IdleConnections::Context context) {
  head_ = std::move(head);
  credential_version_ = credential_version;
  context_ = std::move(context);
  auto kept = client_.idle().take(context_);
  on_kept_connection_ = kept != nullptr;
  if (kept != nullptr) {
    ask(std::move(kept));
  } else {
    dial();
  }
}

void HttpCall::dial() {
  state_ = State::kDialling;
  dial_ = std::make_unique<Dial>(
      client_.loop(), client_.resolver(), client_.plan(), context_, [this](auto made) {
        if (made) {
          ask(std::make_unique<ApiConnection>(client_.loop(), std::move(*made)));
        } else {
          fail(made.error().kind, made.error().message);
        }
      });
}

void HttpCall::ask(std::unique_ptr<ApiConnection> connection) {
  state_ = State::kAsking;
  dial_.reset();
  connection_ = std::move(connection);
  connection_->ask(head_, request_.body, *this);
}

void HttpCall::on_head(const AnswerHead& head) {
  if (is_redirect(head.status)) {
    fail(ApiFailure::Kind::kProtocol,
         fmt::format("answers with {}, a redirect to \"{}\", which is not followed: "
                     "name the API server itself",
                     head.status, head.location));
    return;
  }
  if (head.status == 401 && !has_mended_401_ && client_.refused(credential_version_)) {
    has_mended_401_ = true;
    connection_.reset();
    state_ = State::kWaiting;
    client_.wait_again(*this);
    return;
  }
  response_ = {.status = head.status,
               .retry_after = parse_retry_after(head.retry_after, std::time(nullptr)),
               .body = {}};
  answer_ = is_stream() && head.status == 200 ? Answer::kStreamed : Answer::kKept;
  if (answer_ == Answer::kStreamed) {
    deadline_.cancel();
    std::get<ApiStreamSink*>(consumer_)->on_open();
  }
}

void HttpCall::on_piece(std::string_view piece) {
  if (answer_ == Answer::kStreamed) {
    std::get<ApiStreamSink*>(consumer_)->on_piece(piece);
    return;
  }
  if (is_stream()) {
    response_.body += piece.substr(0, kMaxRefusal - response_.body.size());
    return;
  }
  if (response_.body.size() + piece.size() > ApiClient::kMaxAnswer) {
    fail(ApiFailure::Kind::kTooLarge,
         fmt::format("answers {} {} with more than {} MiB", request_.method, request_.target,
                     ApiClient::kMaxAnswer >> 20));
    return;
  }
  response_.body += piece;
}

void HttpCall::on_whole() {
  auto connection = std::move(connection_);
  if (connection->is_reusable()) {
    client_.idle().give(std::move(connection), context_);
  }
  leave();
  if (answer_ == Answer::kStreamed) {
    std::get<ApiStreamSink*>(consumer_)->on_end();
  } else if (is_stream()) {
    std::get<ApiStreamSink*>(consumer_)->on_refused(std::move(response_));
  } else {
    auto done = std::move(std::get<ApiClient::Handler>(consumer_));  // it may destroy this
    done(std::move(response_));
  }
}

void HttpCall::on_broken(ApiFailure::Kind kind, std::string why, bool nothing_came) {
  // A server that restarts closes what was kept, sometimes just as it is used again. Only POST does
  // not bear being sent twice.
  if (on_kept_connection_ && nothing_came && request_.method != "POST") {
    on_kept_connection_ = false;
    client_.idle().clear();
    connection_.reset();
    dial();
    return;
  }
  fail(kind, why);
}

void HttpCall::on_timeout() {
  const std::string_view doing = state_ == State::kWaiting    ? "waiting for its turn"
                                 : state_ == State::kDialling ? "connecting"
                                                              : "waiting for the answer";
  fail(ApiFailure::Kind::kTimedOut,
       fmt::format("{} {} timed out after {} s, {}", request_.method,
                   std::string_view(request_.target).substr(0, request_.target.find('?')),
                   std::chrono::duration<double>(request_.timeout).count(), doing));
}

void HttpCall::fail(ApiFailure::Kind kind, std::string_view why) {
  ApiFailure failure{.kind = kind, .message = fmt::format("{}: {}", client_.server(), why)};
  leave();
  dial_.reset();
  connection_.reset();
  if (is_stream()) {
    std::get<ApiStreamSink*>(consumer_)->on_failure(std::move(failure));
    return;
  }
  auto done = std::move(std::get<ApiClient::Handler>(consumer_));  // it may destroy this
  done(std::unexpected(std::move(failure)));
}

}  // namespace portico::kube
