// Any bytes as a watch's stream and as a list: nothing crashes, what is read does not depend on how
// the bytes are cut, and every event is an object, or says what is wrong.
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <tuple>
#include <vector>

#include "controller/kube/cluster/reflector.h"
#include "controller/kube/cluster/watch_reader.h"

namespace portico::kube {
namespace {

constexpr std::size_t kLimit = 4096;

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

std::vector<WatchEvent> read(std::size_t kind, std::string_view text, std::size_t piece) {
  WatchReader reader(kind, kLimit);
  std::vector<WatchEvent> events;
  for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) {
    reader.feed(text.substr(0, piece), events);
  }
  return events;
}

void check_event(std::size_t kind, const WatchEvent& event) {
  require(event.subject.key.kind == kind || event.type == WatchEvent::Type::kRefused);
  if (event.type == WatchEvent::Type::kPut) {
    require(event.subject.object->index() == kind);
    require(key_of(*event.subject.object) == event.subject.key);
    require(!event.subject.key.name.empty());
  }
  require(event.type != WatchEvent::Type::kUnreadable || !event.subject.problem.empty());
}

void check_pieces(std::size_t kind, std::string_view text, std::size_t piece) {
  const auto whole = read(kind, text, text.size() + 1);
  const auto cut = read(kind, text, piece);
  require(whole.size() == cut.size());
  for (std::size_t i = 0; i < whole.size(); ++i) {
    check_event(kind, whole[i]);
    require(whole[i].type == cut[i].type && whole[i].subject.key == cut[i].subject.key &&
            whole[i].subject.problem == cut[i].subject.problem);
    require((whole[i].subject.object == nullptr) == (cut[i].subject.object == nullptr));
    require(whole[i].subject.object == nullptr ||
            *whole[i].subject.object == *cut[i].subject.object);
  }
}

// What the reflector tells, told again, is what it holds.
void check_reflector(std::size_t kind, std::string_view text) {
  Reflector reflector({.kind = kind}, 1);
  const Reflector::Time now(std::chrono::seconds(1000));
  static_cast<void>(reflector.next(now));
  reflector.on_answer({.status = 200, .retry_after = {}, .body = std::string(text)}, now);
  if (reflector.next(now).what == Reflector::Action::Do::kStream) {
    reflector.on_open(now);
    reflector.on_piece(text, now);
  }
  ObjectStore replayed;
  std::vector<Change> unused;
  for (const Change& change : reflector.take_changes()) {
    if (change.object == nullptr) {
      replayed.remove(change.key, unused);
    } else {
      replayed.put(change.object, unused);
    }
  }
  require(replayed.size() == reflector.objects().size());
  static_cast<void>(reflector.findings());
}

}  // namespace
}  // namespace portico::kube

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) {
    return 0;
  }
  const std::size_t kind = data[0] % std::variant_size_v<portico::kube::Object>;
  const std::size_t piece = 1 + data[1] % 64;
  const std::string_view text(reinterpret_cast<const char*>(data + 2), size - 2);
  portico::kube::check_pieces(kind, text, piece);
  portico::kube::check_reflector(kind, text);
  return 0;
}
