#include "controller/kube/cluster/reflector.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace portico::kube {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMostProblems = 100;
constexpr int kExpiredListsInPages = 2;  // then everything is asked for at once
constexpr int kRefusedWatches = 3;       // then the version may be what is wrong
constexpr Reflector::Time kNever = Reflector::Time::max();

std::string_view verb_name(bool list) {
  return list ? "list" : "watch";
}

}  // namespace

Reflector::Reflector(ResourceQuery query, std::uint32_t seed)
    : query_(std::move(query)), backoff_(seed), reader_(query_.kind) {}

Reflector::Action Reflector::next(Time /*now*/) {
  switch (state_) {
    case State::kToList:
      state_ = State::kListing;
      return {Action::Do::kCall, list_request(), kNever};
    case State::kToWatch:
      state_ = State::kOpening;
      return {Action::Do::kStream, watch_request(), kNever};
    case State::kWatching:
      return {Action::Do::kGoOn, {}, deadline_};
    case State::kResting:
      return {Action::Do::kRest, {}, rest_until_};
    case State::kListing:
    case State::kOpening:
      break;  // the client minds the time
  }
  return {Action::Do::kGoOn, {}, kNever};
}

ApiRequest Reflector::list_request() {
  tally_.lists += token_.empty() ? 1 : 0;
  ApiRequest request;
  request.target = query_.list_target(limit_, token_);
  return request;
}

ApiRequest Reflector::watch_request() {
  watch_time_ =
      std::chrono::seconds(backoff_.between(kShortestWatch.count(), kLongestWatch.count()));
  reader_.restart();
  ++tally_.watches;
  ApiRequest request;
  request.target = query_.watch_target(version_, watch_time_);
  return request;
}

void Reflector::on_answer(const ApiResponse& response, Time now) {
  if (state_ != State::kListing) {
    return;
  }
  if (response.status == 200) {
    take_page(response, now);
  } else {
    refuse(Verb::kList, response.status, read_status(response.body, scratch_), response.retry_after,
           now);
  }
}

void Reflector::take_page(const ApiResponse& response, Time now) {
  ListPage page;
  if (auto error = read_list_page(query_.kind, response.body, scratch_, page)) {
    fail(std::move(*error), backoff_.next(kLongestBusy), State::kToList, now);
    return;
  }
  succeed();
  tally_.heard_at = now;
  if (token_.empty()) {
    store_.begin_list();
    listed_problems_.clear();
  }
  for (ApiObject& object : page.objects) {
    take_object(std::move(object));
  }
  token_ = std::move(page.next);
  if (token_.empty()) {
    finish_list(std::move(page.version), now);
  } else {
    state_ = State::kToList;
  }
}

void Reflector::take_object(ApiObject object) {
  if (object.object != nullptr) {
    store_.list(object.object);
    return;
  }
  store_.list_unreadable(object.key);
  if (listed_problems_.size() < kMostProblems) {
    listed_problems_.insert_or_assign(std::move(object.key), std::move(object.problem));
  }
}

void Reflector::finish_list(std::string version, Time now) {
  store_.end_list(changes_);
  findings_changed_ = findings_changed_ || problems_ != listed_problems_;
  problems_ = std::exchange(listed_problems_, {});
  version_ = std::move(version);
  has_listed_ = true;
  expired_lists_ = 0;
  refused_watches_ = 0;
  limit_ = limit_ == 0 ? kPage : limit_;
  listed_at_ = now;
  state_ = State::kToWatch;
  if (denial_.has_value() && denial_->verb == Verb::kList) {
    denial_.reset();
    findings_changed_ = true;
  }
}

void Reflector::on_open(Time now) {
  if (state_ != State::kOpening) {
    return;
  }
  state_ = State::kWatching;
  opened_at_ = now;
  heard(now);
  refused_watches_ = 0;
  succeed();
  if (denial_.has_value()) {
    denial_.reset();
    findings_changed_ = true;
  }
}

void Reflector::on_piece(std::string_view piece, Time now) {
  if (state_ != State::kWatching) {
    return;
  }
  std::vector<WatchEvent> events;
  reader_.feed(piece, events);
  for (WatchEvent& event : events) {
    take_event(event, now);
    if (state_ != State::kWatching) {
      return;
    }
  }
}

void Reflector::take_event(WatchEvent& event, Time now) {
  ApiObject& subject = event.subject;
  switch (event.type) {
    case WatchEvent::Type::kPut:
      forget_finding(subject.key);
      store_.put(std::move(subject.object), changes_);
      break;
    case WatchEvent::Type::kDeleted:
      forget_finding(subject.key);
      store_.remove(subject.key, changes_);
      break;
    case WatchEvent::Type::kUnreadable:
      note_problem(subject.key, std::move(subject.problem));
      break;
    case WatchEvent::Type::kRefused:
      refuse(Verb::kWatch, event.status.code, event.status, std::nullopt, now);
      return;
    case WatchEvent::Type::kBookmark:
      break;
  }
  tally_.events += event.type == WatchEvent::Type::kBookmark ? 0 : 1;
  heard(now);
  if (!subject.version.empty()) {
    version_ = std::move(subject.version);
  }
}

void Reflector::heard(Time now) {
  tally_.heard_at = now;
  deadline_ = std::min(opened_at_ + watch_time_ + kWatchMargin, now + kLongestQuiet);
}

void Reflector::on_end(Time now) {
  if (state_ == State::kWatching) {
    end_watch(now);
  } else if (state_ == State::kOpening) {
    rest(backoff_.next(kLongestAlone), State::kToWatch, now);
  }
}

// One that ends as soon as it began, again and again, must not become a busy loop.
void Reflector::end_watch(Time now) {
  if (now - opened_at_ >= kGoodStretch) {
    backoff_.reset();
    state_ = State::kToWatch;
    return;
  }
  rest(backoff_.next(kLongestBusy), State::kToWatch, now);
}

void Reflector::on_refused(const ApiResponse& response, Time now) {
  if (state_ == State::kOpening) {
    refuse(Verb::kWatch, response.status, read_status(response.body, scratch_),
           response.retry_after, now);
  }
}

void Reflector::on_failure(const ApiFailure& failure, Time now) {
  if (state_ == State::kListing && failure.kind == ApiFailure::Kind::kTooLarge) {
    shrink_pages(now);
    return;
  }
  if (state_ == State::kWatching) {
    // Cut off, as happens: worth a word only if it can't be taken up again.
    ++tally_.failures;
    if (now - opened_at_ >= kGoodStretch) {
      backoff_.reset();
    }
    rest(backoff_.next(kLongestAlone), State::kToWatch, now);
    rests_alone_ = true;
    return;
  }
  if (state_ == State::kListing || state_ == State::kOpening) {
    const State again = state_ == State::kListing ? State::kToList : State::kToWatch;
    fail(failure.message, backoff_.next(kLongestAlone), again, now);
    rests_alone_ = true;
  }
}

void Reflector::shrink_pages(Time now) {
  if (limit_ == 1) {
    fail(fmt::format("one of the {} is too large to be listed", query_.to_string()),
         backoff_.next(kLongestRefused), State::kToList, now);
    return;
  }
  limit_ = limit_ == 0 ? kPage : std::max<std::size_t>(1, limit_ / 4);
  state_ = State::kToList;
}

void Reflector::on_time(Time now) {
  if (state_ == State::kResting && now >= rest_until_) {
    state_ = after_rest_;
  } else if (state_ == State::kWatching && now >= deadline_) {
    state_ = State::kToWatch;
  }
}

void Reflector::nudge() {
  if (state_ == State::kResting && rests_alone_) {
    state_ = after_rest_;
  }
}

void Reflector::refuse(Verb verb, int code, const ApiStatus& status,
                       std::optional<std::chrono::seconds> retry_after, Time now) {
  if (code == 410 || status.code == 410) {
    expire(verb, now);
    return;
  }
  if (code == 403 || code == 404) {
    deny(verb, code, status, now);
    return;
  }
  const bool is_busy = code == 429 || code >= 500;
  // A version that the server can't make sense of (it was restored from a backup, say) shows as
  // one of several errors.
  const bool may_be_version =
      verb == Verb::kWatch && ((!is_busy && code != 401) || ++refused_watches_ >= kRefusedWatches);
  const State then = verb == Verb::kList || may_be_version ? State::kToList : State::kToWatch;
  milliseconds wait;
  if (is_busy && retry_after.has_value()) {
    const milliseconds asked = std::min(*retry_after, kLongestRetryAfter);
    wait = asked + milliseconds(backoff_.between(0, 500));
  } else if (is_busy) {
    wait = backoff_.next(kLongestBusy);
  } else {
    wait = backoff_.next(code == 401 ? kLongestAlone : kLongestRefused);
  }
  fail(fmt::format("can't {} {}: HTTP {}: {}", verb_name(verb == Verb::kList), query_.to_string(),
                   code, status.message),
       wait, then, now);
}

void Reflector::deny(Verb verb, int code, const ApiStatus& status, Time now) {
  const ResourceKind& kind = resource_kind(query_.kind);
  const std::string_view name = verb_name(verb == Verb::kList);
  Denial denial{.verb = verb, .message = {}, .fix = {}};
  if (code == 404) {
    denial.message = fmt::format("the API server has no {} in {}", kind.plural, kind.api_path);
    denial.fix = "they count as absent until it has";
  } else {
    denial.message = fmt::format("may not {} {}: {}", name, query_.to_string(), status.message);
    denial.fix = fmt::format("grant this account the verbs list and watch of {}{}{}", kind.plural,
                             kind.group.empty() ? "" : ".", kind.group);
  }
  findings_changed_ = findings_changed_ || !denial_ || denial_->message != denial.message;
  denial_ = std::move(denial);
  if (failures_ > 0) {
    // A server that has just come up refuses everybody until it has read its roles.
    backoff_.reset();
  }
  ++tally_.failures;
  succeed();  // the server is there, and knows us
  token_.clear();
  // Where only the watch is refused, lists have to do.
  rest(backoff_.next(kLongestRefused), State::kToList, now);
}

// What is asked for is older than what the server remembers.
void Reflector::expire(Verb verb, Time now) {
  token_.clear();
  if (verb == Verb::kList && ++expired_lists_ >= kExpiredListsInPages) {
    limit_ = 0;
  }
  const bool again_at_once = verb == Verb::kList ? expired_lists_ <= kExpiredListsInPages
                                                 : has_listed_ && now - listed_at_ >= kGoodStretch;
  if (again_at_once) {
    state_ = State::kToList;
  } else {
    rest(backoff_.next(kLongestBusy), State::kToList, now);
  }
}

void Reflector::fail(std::string what, milliseconds wait, State then, Time now) {
  ++failures_;
  ++tally_.failures;
  failure_ = std::move(what);
  rest(wait, then, now);
}

void Reflector::rest(milliseconds wait, State then, Time now) {
  state_ = State::kResting;
  after_rest_ = then;
  rest_until_ = now + wait;
  rests_alone_ = false;
}

void Reflector::succeed() {
  failures_ = 0;
  failure_.clear();
}

void Reflector::note_problem(const ObjectKey& key, std::string problem) {
  if (problems_.size() >= kMostProblems && !problems_.contains(key)) {
    return;
  }
  std::string& known = problems_[key];
  findings_changed_ = findings_changed_ || known != problem;
  known = std::move(problem);
}

void Reflector::forget_finding(const ObjectKey& key) {
  if (!problems_.empty() && problems_.erase(key) != 0) {
    findings_changed_ = true;
  }
}

routing::Diagnostics Reflector::findings() const {
  routing::Diagnostics found;
  if (denial_.has_value()) {
    found.push_back({.message = denial_->message, .fix = denial_->fix});
  }
  for (const auto& [key, problem] : problems_) {
    found.push_back({.object = ref_of(key),
                     .message = "read from the API server: " + problem,
                     .fix = "what was known of it before keeps counting"});
  }
  return found;
}

}  // namespace portico::kube
