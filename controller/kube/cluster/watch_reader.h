// The stream of a watch: JSON events, one a line, cut anywhere.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "controller/kube/cluster/api_objects.h"
#include "controller/kube/document.h"

namespace portico::kube {

struct WatchEvent {
  enum class Type : std::uint8_t {
    kPut,         // added or changed: the object as it now is
    kDeleted,     // its key and version
    kBookmark,    // a version only
    kRefused,     // an ERROR event: `status`
    kUnreadable,  // `subject.problem` says why; its key is there where it could be made out
  };
  Type type = Type::kUnreadable;
  ApiObject subject;
  ApiStatus status;
};

// Thread:    any one at a time.
// Memory:    an event that came in one piece is read where it lies; of one in pieces, at most
//            kMaxEventBytes are kept. A larger one is passed over and told as unreadable.
class WatchReader {
 public:
  static constexpr std::size_t kMaxEventBytes = std::size_t{4} << 20;

  // `kind`: of all objects, an index into Object.
  explicit WatchReader(std::size_t kind, std::size_t max_event_bytes = kMaxEventBytes)
      : kind_(kind), max_event_bytes_(max_event_bytes) {}

  // Adds the events that end in this piece to `events`.
  void feed(std::string_view piece, std::vector<WatchEvent>& events);
  // Forgets what is begun: the next piece is a stream's first.
  void restart();

 private:
  void hold(std::string_view part);
  void read_line(std::string_view line, std::vector<WatchEvent>& events);

  const std::size_t kind_;
  const std::size_t max_event_bytes_;
  std::string held_;           // the beginning of an event
  bool passing_over_ = false;  // of one too large; `held_` is what names it
  Document scratch_;
};

}  // namespace portico::kube
