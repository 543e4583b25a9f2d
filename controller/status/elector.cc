#include "controller/status/elector.h"

#include <algorithm>
#include <random>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "controller/status/micro_time.h"
#include "proxy/net/loop.h"

namespace portico::status {
namespace {

constexpr std::string_view kResource = "leases.coordination.k8s.io";
// A missing right is not given every other second.
constexpr std::chrono::seconds kAfterRefusal{10};

template <class Time>
std::chrono::milliseconds until(Time time, Time now) {
  return std::chrono::ceil<std::chrono::milliseconds>(std::max(time, now) - now);
}

}  // namespace

Elector::Elector(net::Loop& loop, kube::ApiClient& client, CallLog& log, const Options& options,
                 OnChange on_change)
    : loop_(loop),
      client_(client),
      log_(log),
      options_(options),
      times_{options.election.ttl},
      on_change_(std::move(on_change)),
      election_(options.identity, times_, std::random_device{}()),
      next_(loop, [this] { advance(); }),
      lost_(loop, [this] { advance(); }) {}

void Elector::start() {
  started_ = true;
  next_.arm(std::chrono::milliseconds(0));
}

bool Elector::leads() const {
  if (options_.election.disabled) {
    return started_ && stopped_ == nullptr;
  }
  return election_.leads(loop_.now());
}

void Elector::stop(std::move_only_function<void()> done) {
  stopped_ = std::move(done);
  election_.retire();
  advance();
}

void Elector::advance() {
  if (call_ != nullptr) {
    tell_change();
    return;
  }
  if (options_.election.disabled || !started_) {
    tell_change();
    if (stopped_ != nullptr) {
      std::exchange(stopped_, nullptr)();
    }
    return;
  }
  auto step = election_.next(loop_.now(), micro_time(std::chrono::system_clock::now()));
  tell_change();
  if (std::holds_alternative<Election::Look>(step)) {
    look();
  } else if (auto* wanted = std::get_if<Election::Write>(&step)) {
    write(std::move(*wanted));
  } else if (const auto* wait = std::get_if<Election::Wait>(&step)) {
    next_.arm(until(wait->until, loop_.now()));
  } else if (stopped_ != nullptr) {
    next_.cancel();
    lost_.cancel();
    std::exchange(stopped_, nullptr)();
  }
}

kube::ApiRequest Elector::request(std::string method, bool named, std::string body) const {
  auto target =
      fmt::format("/apis/coordination.k8s.io/v1/namespaces/{}/leases{}{}", options_.namespace_,
                  named ? "/" : "", named ? options_.election.lease_name : "");
  return {.method = std::move(method),
          .target = std::move(target),
          .content_type = body.empty() ? "" : "application/json",
          .body = std::move(body),
          .timeout = times_.call_timeout()};
}

void Elector::look() {
  call_ = client_.call(request("GET", true, ""), [this, began = loop_.now()](ApiResult result) {
    const auto call = std::move(call_);
    after_look(began, std::move(result));
  });
}

void Elector::write(Election::Write write) {
  const bool creates = !write.before;
  auto body = creates ? new_lease(options_.namespace_, options_.election.lease_name, write.record)
                      : replace_record(*write.before, write.record);
  call_ = client_.call(request(creates ? "POST" : "PUT", !creates, std::move(body)),
                       [this, creates, began = loop_.now()](ApiResult result) {
                         const auto call = std::move(call_);
                         after_write(began, creates ? "create" : "update", std::move(result));
                       });
}

void Elector::after_look(Election::Time began, ApiResult result) {
  const auto verdict = judge(result);
  if (verdict == Verdict::kGone) {
    election_.looked(began, std::nullopt);
  } else if (auto lease = verdict == Verdict::kDone ? read_lease(result->body) : std::nullopt) {
    // From when the answer is here: what was seen can't be older.
    election_.looked(loop_.now(), std::move(lease));
  } else {
    not_done("get", result);
  }
  advance();
}

void Elector::after_write(Election::Time began, std::string_view verb, ApiResult result) {
  const auto verdict = judge(result);
  const bool has_left = verdict == Verdict::kGone && verb == "update";
  if (verdict == Verdict::kConflict || has_left) {
    election_.conflicted(loop_.now());
  } else if (auto lease = verdict == Verdict::kDone ? read_lease(result->body) : std::nullopt) {
    log_.tell({verb, kResource, options_.namespace_}, result);
    election_.wrote(began, std::move(*lease));
  } else {
    not_done(verb, result);
  }
  advance();
}

void Elector::not_done(std::string_view verb, const ApiResult& result) {
  // Missing is what it is to be created in: its namespace.
  log_.tell_missing_too({verb, kResource, options_.namespace_}, result);
  std::chrono::milliseconds at_least{0};
  if (judge(result) == Verdict::kForbidden) {
    at_least = kAfterRefusal;
  } else if (result && result->retry_after) {
    // There would be no leader for as long.
    at_least = std::min<std::chrono::milliseconds>(*result->retry_after, times_.ttl);
  }
  election_.failed(loop_.now(), at_least);
}

void Elector::tell_change() {
  const bool leads = this->leads();
  if (const auto ends = election_.leads_until(); leads && ends) {
    lost_.arm(until(*ends, loop_.now()));
  } else {
    lost_.cancel();
  }
  if (std::exchange(told_, leads) == leads) {
    return;
  }
  if (leads) {
    spdlog::info("leading: {} writes {}", options_.identity,
                 options_.update_status ? "status and Events" : "Events, and no status");
  } else {
    spdlog::info("not leading any more");
  }
  on_change_(leads);
}

}  // namespace portico::status
