// Which findings become Events, and which were told already. A decider: time is an argument.
//
//   a finding not told before     a new Event, as long as its object has some left: 25, and one
//   more
//                                 every five minutes, as client-go allows
//   told before, up to an hour    counted; the Event's series says so, once in five minutes at most
//   told before, and it stands    the same, every half hour: the API server would forget the Event
//   as long ago as Events live    a new Event
//
// An Event's name follows from its object and its text, so that a leader that takes over, or begins
// again, meets its predecessor's Event instead of adding its twin.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "controller/status/token_bucket.h"
#include "routing/diagnostic.h"

namespace portico::status {

// The newest `most` entries by key; using one makes it the newest.
template <class Value>
class RecentMap {
 public:
  explicit RecentMap(std::size_t most) : most_(most) {}

  Value* find(const std::string& key) {
    const auto found = index_.find(key);
    if (found == index_.end()) {
      return nullptr;
    }
    entries_.splice(entries_.begin(), entries_, found->second);
    return &found->second->second;
  }

  Value& add(const std::string& key, Value value) {
    erase(key);
    if (entries_.size() == most_) {
      index_.erase(entries_.back().first);
      entries_.pop_back();
    }
    entries_.emplace_front(key, std::move(value));
    index_[key] = entries_.begin();
    return entries_.front().second;
  }

  void erase(const std::string& key) {
    if (const auto found = index_.find(key); found != index_.end()) {
      entries_.erase(found->second);
      index_.erase(found);
    }
  }

 private:
  using Entries = std::list<std::pair<std::string, Value>>;
  std::size_t most_;
  Entries entries_;  // the newest first
  std::unordered_map<std::string, typename Entries::iterator> index_;
};

// The object that an Event is about, as the API knows it.
struct EventSubject {
  std::string api_version;  // "networking.k8s.io/v1"
  std::string uid;
};

// "web.4f1d0c9a7be2365d", in the object's namespace.
std::string event_name(const routing::Diagnostic& finding, const EventSubject& subject);

class EventLedger {
 public:
  using Time = std::chrono::steady_clock::time_point;

  enum class What : std::uint8_t { kNothing, kCreate, kCount };
  enum class Occasion : std::uint8_t {
    kFound,   // just now, perhaps again
    kStands,  // it was found before, and nothing has mended it
  };
  struct Decision {
    What what = What::kNothing;
    int count = 1;  // for kCount: how often it was told
  };

  // `name` is the Event's, `object` what its object is called.
  Decision tell(const std::string& name, const std::string& object, Time now,
                Occasion occasion = Occasion::kFound);
  // The Event that was to be new is there: somebody told it before. What its series is to say.
  int take_over(const std::string& name);
  // It could not be written, or is gone: the next time it is new.
  void forget(const std::string& name) { told_.erase(name); }

 private:
  static constexpr std::size_t kMost = 4096;

  struct Told {
    Time first;
    Time last_written;
    int count = 1;
  };

  RecentMap<Told> told_{kMost};
  RecentMap<TokenBucket> of_object_{kMost};
};

}  // namespace portico::status
