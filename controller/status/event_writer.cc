#include "controller/status/event_writer.h"

#include <utility>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "controller/status/micro_time.h"
#include "proxy/net/loop.h"

namespace portico::status {
namespace {

namespace json = boost::json;

constexpr std::size_t kMostPending = 1000;
constexpr std::size_t kMostInFlight = 4;
constexpr double kBurst = 50;
constexpr double kPerSecond = 20;
constexpr int kTries = 3;
constexpr std::chrono::seconds kAfterFailure{5};

std::string cut(std::string text, std::size_t most) {
  if (text.size() <= most) {
    return text;
  }
  constexpr std::string_view kMore = "...";
  std::size_t end = most - kMore.size();
  // Bytes 10xxxxxx continue a character.
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) {
    --end;
  }
  text.resize(end);
  return text.append(kMore);
}

std::string note_of(const routing::Diagnostic& finding) {
  constexpr std::size_t kMostOfNote = 1024;
  std::string note = finding.field.empty() ? finding.message
                                           : fmt::format("{}: {}", finding.field, finding.message);
  if (!finding.fix.empty()) {
    note += "; " + finding.fix;
  }
  return cut(std::move(note), kMostOfNote);
}

struct Wording {
  const char* type;
  const char* reason;
};

Wording wording_of(routing::Severity severity) {
  switch (severity) {
    case routing::Severity::kError:
      return {"Warning", "TranslationError"};
    case routing::Severity::kWarning:
      return {"Warning", "TranslationWarning"};
    case routing::Severity::kInfo:
      break;
  }
  return {"Normal", "TranslationNote"};
}

std::string series_patch(int count, const std::string& now) {
  return json::serialize(json::object{{"series", {{"count", count}, {"lastObservedTime", now}}}});
}

}  // namespace

std::string event_namespace(const routing::Diagnostic& finding) {
  return finding.object.namespace_.empty() ? "default" : finding.object.namespace_;
}

std::string event_body(const EventText& event, const std::string& name, const std::string& reporter,
                       const std::string& instance, const std::string& micro_time) {
  constexpr std::size_t kMostOfInstance = 128;
  const auto& [finding, subject] = event;
  const auto [type, reason] = wording_of(finding.severity);
  json::object regarding{{"apiVersion", subject.api_version},
                         {"kind", finding.object.kind},
                         {"name", finding.object.name},
                         {"uid", subject.uid}};
  if (!finding.object.namespace_.empty()) {
    regarding["namespace"] = finding.object.namespace_;
  }
  return json::serialize(
      json::object{{"apiVersion", "events.k8s.io/v1"},
                   {"kind", "Event"},
                   {"metadata", {{"namespace", event_namespace(finding)}, {"name", name}}},
                   {"eventTime", micro_time},
                   {"reportingController", reporter},
                   {"reportingInstance", cut(instance, kMostOfInstance)},
                   {"type", type},
                   {"reason", reason},
                   {"action", "Translate"},
                   {"regarding", std::move(regarding)},
                   {"note", note_of(finding)}});
}

EventWriter::EventWriter(net::Loop& loop, kube::ApiClient& client, CallLog& log,
                         std::string reporter, std::string instance)
    : loop_(loop),
      client_(client),
      log_(log),
      reporter_(std::move(reporter)),
      instance_(std::move(instance)),
      rate_(kBurst, kPerSecond),
      next_(loop, [this] { pump(); }) {}

void EventWriter::tell(EventText event, EventLedger::Occasion occasion) {
  auto name = event_name(event.finding, event.subject);
  const auto decision = ledger_.tell(name, event.finding.object.to_string(), loop_.now(), occasion);
  if (decision.what == EventLedger::What::kNothing) {
    return;
  }
  const int count = decision.what == EventLedger::What::kCount ? decision.count : 1;
  push({.event = std::move(event), .name = std::move(name), .count = count});
}

void EventWriter::push(Pending pending) {
  if (pending_.size() >= kMostPending) {
    ledger_.forget(pending.name);
    if (!std::exchange(said_overflow_, true)) {
      spdlog::warn("more findings at once than become Events: some are in the log only");
    }
    return;
  }
  pending_.push_back(std::move(pending));
  pump();
}

void EventWriter::pause() {
  for (const auto& pending : pending_) {
    ledger_.forget(pending.name);
  }
  pending_.clear();
  calls_.clear();
  next_.cancel();
}

void EventWriter::pump() {
  while (!pending_.empty() && calls_.size() < kMostInFlight && rate_.take(loop_.now())) {
    auto pending = std::move(pending_.front());
    pending_.pop_front();
    // A count that comes while its Event is on its way says little: it is left out.
    if (!calls_.contains(pending.name)) {
      write(std::move(pending));
    }
  }
  if (!pending_.empty() && calls_.size() < kMostInFlight && !next_.armed()) {
    const auto now = loop_.now();
    next_.arm(std::chrono::ceil<std::chrono::milliseconds>(rate_.next(now) - now));
  }
}

kube::ApiRequest EventWriter::request(const Pending& pending) const {
  const auto now = micro_time(std::chrono::system_clock::now());
  auto target = fmt::format("/apis/events.k8s.io/v1/namespaces/{}/events",
                            event_namespace(pending.event.finding));
  if (pending.count > 1) {
    return {.method = "PATCH",
            .target = target + "/" + pending.name,
            .content_type = "application/merge-patch+json",
            .body = series_patch(pending.count, now)};
  }
  return {.method = "POST",
          .target = std::move(target),
          .content_type = "application/json",
          .body = event_body(pending.event, pending.name, reporter_, instance_, now)};
}

void EventWriter::write(Pending pending) {
  auto name = pending.name;
  auto wanted = request(pending);
  calls_[name] = client_.call(
      std::move(wanted), [this, pending = std::move(pending)](const ApiResult& result) mutable {
        auto written = std::move(pending);  // the handler goes with its call
        const auto call = std::move(calls_.extract(written.name).mapped());
        after_write(std::move(written), result);
      });
}

void EventWriter::after_write(Pending pending, const ApiResult& result) {
  const std::string_view verb = pending.count > 1 ? "patch" : "create";
  const auto namespace_ = event_namespace(pending.event.finding);
  log_.tell({verb, "events.events.k8s.io", namespace_}, result);
  const auto verdict = judge(result);
  const bool is_last_try = verdict != Verdict::kDone && ++pending.tries >= kTries;
  if (verdict == Verdict::kDone || is_last_try) {
    if (is_last_try) {
      ledger_.forget(pending.name);
    }
    pump();
  } else if (verdict == Verdict::kGone && pending.count > 1) {
    pending.count = 1;  // it has outlived its hour
    push(std::move(pending));
  } else if (verdict == Verdict::kConflict && pending.count == 1) {
    // A leader before this one has told it. It still holds: the Event is to live on.
    pending.count = ledger_.take_over(pending.name);
    push(std::move(pending));
  } else if (verdict == Verdict::kLater) {
    pending_.push_front(std::move(pending));
    next_.arm(kAfterFailure);
  } else {
    ledger_.forget(pending.name);
    pump();
  }
}

}  // namespace portico::status
