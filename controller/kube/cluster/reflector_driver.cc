#include "controller/kube/cluster/reflector_driver.h"

#include <utility>

#include "proxy/net/loop.h"

namespace portico::kube {

ReflectorDriver::ReflectorDriver(net::Loop& loop, ApiClient& client, ResourceQuery query,
                                 std::uint32_t seed,
                                 std::move_only_function<void(Reflector&)> stepped)
    : loop_(loop),
      client_(client),
      reflector_(std::move(query), seed),
      stepped_(std::move(stepped)),
      deadline_(loop, [this] {
        reflector_.on_time(loop_.now());
        proceed();
      }) {}

void ReflectorDriver::nudge() {
  reflector_.nudge();
  proceed();
}

void ReflectorDriver::on_refused(ApiResponse response) {
  reflector_.on_refused(response, loop_.now());
  proceed();
}

void ReflectorDriver::on_open() {
  reflector_.on_open(loop_.now());
  proceed();
}

void ReflectorDriver::on_piece(std::string_view piece) {
  reflector_.on_piece(piece, loop_.now());
  proceed();
}

void ReflectorDriver::on_end() {
  reflector_.on_end(loop_.now());
  proceed();
}

void ReflectorDriver::on_failure(ApiFailure failure) {
  reflector_.on_failure(failure, loop_.now());
  proceed();
}

void ReflectorDriver::proceed() {
  Reflector::Action action = reflector_.next(loop_.now());
  switch (action.what) {
    case Reflector::Action::Do::kGoOn:
      break;
    case Reflector::Action::Do::kRest:
      call_.reset();
      break;
    case Reflector::Action::Do::kCall:
      call_.reset();
      call_ = client_.call(std::move(action.request),
                           [this](std::expected<ApiResponse, ApiFailure> answer) {
                             if (answer) {
                               reflector_.on_answer(*answer, loop_.now());
                             } else {
                               reflector_.on_failure(answer.error(), loop_.now());
                             }
                             proceed();
                           });
      break;
    case Reflector::Action::Do::kStream:
      call_.reset();
      call_ = client_.stream(std::move(action.request), *this);
      break;
  }
  mind(action.until);
  stepped_(reflector_);
}

void ReflectorDriver::mind(Reflector::Time until) {
  if (until == Reflector::Time::max()) {
    deadline_.cancel();
    return;
  }
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - loop_.now());
  deadline_.arm(std::max(left, std::chrono::milliseconds(1)));
}

}  // namespace portico::kube
