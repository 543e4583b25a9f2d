#include "controller/status/call_log.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "controller/status/json.h"

namespace portico::status {
namespace {

// What the server's Status object says, else the beginning of whatever it sent.
std::string reason_of(const kube::ApiResponse& response) {
  constexpr std::size_t kMost = 300;
  auto reason = text(member(parse_json(response.body), "message"));
  if (reason.empty()) {
    reason = response.body;
  }
  reason.resize(std::min(reason.size(), kMost));
  for (char& c : reason) {
    c = static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  }
  return reason;
}

}  // namespace

Verdict judge(const ApiResult& result) {
  if (!result) {
    return Verdict::kLater;
  }
  const int status = result->status;
  if (status >= 200 && status < 300) {
    return Verdict::kDone;
  }
  switch (status) {
    case 403:
      return Verdict::kForbidden;
    case 404:
    case 410:
      return Verdict::kGone;
    case 409:
      return Verdict::kConflict;
    case 401:
    case 408:
    case 429:
      return Verdict::kLater;
    default:
      return status >= 400 && status < 500 ? Verdict::kInvalid : Verdict::kLater;
  }
}

std::string describe(const CallName& call, const ApiResult& result) {
  const auto where =
      call.namespace_.empty() ? std::string() : fmt::format(" in namespace {}", call.namespace_);
  if (!result) {
    return fmt::format("can't {} {}{}: {}", call.verb, call.resource, where,
                       result.error().message);
  }
  if (result->status == 403) {
    return fmt::format("may not {} {}{}: {}", call.verb, call.resource, where, reason_of(*result));
  }
  return fmt::format("can't {} {}{}: status {}: {}", call.verb, call.resource, where,
                     result->status, reason_of(*result));
}

void CallLog::tell(const CallName& call, const ApiResult& result) {
  const auto verdict = judge(result);
  if (verdict != Verdict::kGone && verdict != Verdict::kConflict) {
    tell_missing_too(call, result);
  }
}

void CallLog::tell_missing_too(const CallName& call, const ApiResult& result) {
  const auto key = fmt::format("{} {}", call.verb, call.resource);
  if (judge(result) == Verdict::kDone) {
    said_.erase(key);
    return;
  }
  // Not the text: it may name another object each time.
  const auto kind = fmt::format("{}", result ? result->status : -1);
  auto& said = said_[key];
  if (said != kind) {
    said = kind;
    spdlog::warn("{}", describe(call, result));
  }
}

}  // namespace portico::status
