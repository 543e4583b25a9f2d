// One kind of objects kept as the API server has it: listed, then watched from there on, for ever.
//
//   list in pages ──> watch by the list's version ──> its end ──> watch by the last version heard
//     ^                      │
//     └─── 410: too old ─────┘   (what was listed before stays until the new list is whole)
//
// See https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/kube/api/client.h"
#include "controller/kube/cluster/backoff.h"
#include "controller/kube/cluster/object_store.h"
#include "controller/kube/cluster/resource.h"
#include "controller/kube/cluster/watch_reader.h"
#include "controller/kube/objects.h"
#include "routing/diagnostic.h"

namespace portico::kube {

// A decider: it says which request to make next and is told what comes of it. Time and randomness
// are arguments.
//
// Errors:    none ends it. What failed is tried again, later and later; what was heard stays.
class Reflector {
 public:
  using Time = std::chrono::steady_clock::time_point;

  static constexpr std::size_t kPage = 500;
  // The server ends a watch after a time of our choosing between these, and has so much longer to
  // do it.
  static constexpr std::chrono::seconds kShortestWatch{300}, kLongestWatch{600}, kWatchMargin{10};
  // A server sends a bookmark a minute. A watch that is quiet for longer is taken for stalled, and
  // another one begun where it stopped. Where there are no bookmarks (a kind of which nothing has
  // happened since the server began, a server without its cache) that costs a request a time.
  static constexpr std::chrono::seconds kLongestQuiet{75};
  // A watch that lived so long was a good one: what follows is no failure after a failure.
  static constexpr std::chrono::seconds kGoodStretch{5};
  // The longest waits: where nobody answers or knows us, so that all is caught up soon after; where
  // the server is in trouble; where we are not wanted.
  static constexpr std::chrono::seconds kLongestAlone{3}, kLongestBusy{5}, kLongestRefused{30};
  static constexpr std::chrono::seconds kLongestRetryAfter{300};

  struct Action {
    enum class Do : std::uint8_t {
      kGoOn,    // with what is under way, if anything
      kCall,    // give up what is under way, make `request`
      kStream,  // the same, with an answer that stays open
      kRest,    // give up what is under way
    };
    Do what = Do::kGoOn;
    ApiRequest request;
    Time until;  // on_time() is to be called then
  };

  // Since it was made.
  struct Tally {
    std::uint64_t lists = 0;    // begun, of however many pages
    std::uint64_t watches = 0;  // begun
    std::uint64_t events = 0;   // of watches, but for bookmarks
    std::uint64_t failures = 0;
    Time heard_at;  // when the server last said something; the epoch: never
  };

  Reflector(ResourceQuery query, std::uint32_t seed);

  // What to do now: asked after construction and after each of the calls below.
  [[nodiscard]] Action next(Time now);

  // Of a call.
  void on_answer(const ApiResponse& response, Time now);
  // Of a stream.
  void on_open(Time now);
  void on_piece(std::string_view piece, Time now);
  void on_end(Time now);
  void on_refused(const ApiResponse& response, Time now);
  // Of either.
  void on_failure(const ApiFailure& failure, Time now);
  void on_time(Time now);
  // Somebody else was answered: no use waiting any longer for a server that was not there.
  void nudge();

  // What changed since the last call, in order.
  std::vector<Change> take_changes() { return std::exchange(changes_, {}); }
  [[nodiscard]] const ObjectStore& objects() const { return store_; }
  [[nodiscard]] const ResourceQuery& query() const { return query_; }
  // All that was there has been told once.
  [[nodiscard]] bool has_listed() const { return has_listed_; }
  // The server knows us and won't tell us.
  [[nodiscard]] bool is_denied() const { return denial_.has_value(); }
  // How often in a row it was tried in vain, and what came last; denials are not among them.
  [[nodiscard]] int failures() const { return failures_; }
  [[nodiscard]] const std::string& failure() const { return failure_; }
  [[nodiscard]] const Tally& tally() const { return tally_; }
  // A denial, and objects that can't be used.
  [[nodiscard]] routing::Diagnostics findings() const;
  bool take_findings_changed() { return std::exchange(findings_changed_, false); }

 private:
  enum class State : std::uint8_t { kToList, kListing, kToWatch, kOpening, kWatching, kResting };
  enum class Verb : std::uint8_t { kList, kWatch };

  ApiRequest list_request();
  ApiRequest watch_request();
  void take_page(const ApiResponse& response, Time now);
  void take_object(ApiObject object);
  void finish_list(std::string version, Time now);
  void take_event(WatchEvent& event, Time now);
  void heard(Time now);
  void refuse(Verb verb, int code, const ApiStatus& status,
              std::optional<std::chrono::seconds> retry_after, Time now);
  void deny(Verb verb, int code, const ApiStatus& status, Time now);
  void expire(Verb verb, Time now);
  void shrink_pages(Time now);
  void end_watch(Time now);
  void fail(std::string what, std::chrono::milliseconds wait, State then, Time now);
  void rest(std::chrono::milliseconds wait, State then, Time now);
  void succeed();
  void note_problem(const ObjectKey& key, std::string problem);
  void forget_finding(const ObjectKey& key);

  const ResourceQuery query_;
  Backoff backoff_;
  ObjectStore store_;
  WatchReader reader_;
  Document scratch_;

  State state_ = State::kToList;
  std::size_t limit_ = kPage;
  std::string token_;        // of the page to ask for; "" the first
  int expired_lists_ = 0;    // in a row
  std::string version_;      // to watch from
  int refused_watches_ = 0;  // in a row
  Time listed_at_, opened_at_, deadline_;
  std::chrono::seconds watch_time_{0};
  State after_rest_ = State::kToList;
  Time rest_until_;
  bool rests_alone_ = false;  // because nobody answered

  std::vector<Change> changes_;
  bool has_listed_ = false;
  struct Denial {
    Verb verb;
    std::string message;
    std::string fix;
  };
  std::optional<Denial> denial_;
  using Problems = std::map<ObjectKey, std::string>;
  Problems problems_;         // of objects that can't be used; bounded
  Problems listed_problems_;  // of those in the list under way
  bool findings_changed_ = false;
  int failures_ = 0;
  std::string failure_;
  Tally tally_;
};

}  // namespace portico::kube
