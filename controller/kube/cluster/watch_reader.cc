#include "controller/kube/cluster/watch_reader.h"

#include <algorithm>

#include <fmt/format.h>

#include "controller/kube/document_reader.h"
#include "controller/kube/field_reader.h"

namespace portico::kube {
namespace {

// What is kept of an event too large: the API server writes metadata first.
constexpr std::size_t kNamingBytes = 2048;
// What a reader keeps for its next event at most.
constexpr std::size_t kKeptBytes = 64 << 10;

class EventSink final : public DocumentSink {
 public:
  EventSink(std::size_t kind, std::vector<WatchEvent>& events) : kind_(kind), events_(events) {}

  void on_document(Value root, std::span<const DocumentProblem> /*problems*/) override {
    WatchEvent& event = events_.emplace_back();
    const std::string_view type = root.member_text("type");
    const Value object = root.find("object");
    if (type == "ADDED" || type == "MODIFIED") {
      event.subject = read_api_object(kind_, object);
      event.type =
          event.subject.object == nullptr ? WatchEvent::Type::kUnreadable : WatchEvent::Type::kPut;
    } else if (type == "ERROR") {
      event.type = WatchEvent::Type::kRefused;
      event.status = read_status(object);
    } else {
      event.subject = read_api_key(kind_, object);
      event.type = type_of(type);
      event.subject.problem = "an event of unknown type " + quoted(type);
    }
  }

 private:
  static WatchEvent::Type type_of(std::string_view type) {
    if (type == "DELETED") {
      return WatchEvent::Type::kDeleted;
    }
    return type == "BOOKMARK" ? WatchEvent::Type::kBookmark : WatchEvent::Type::kUnreadable;
  }

  const std::size_t kind_;
  std::vector<WatchEvent>& events_;
};

// The text of the first member of this name, as it is written; for names, which need no escapes.
std::string_view text_of(std::string_view json, std::string_view name) {
  const std::string begin = fmt::format("\"{}\":\"", name);
  const auto at = json.find(begin);
  if (at == std::string_view::npos) {
    return {};
  }
  const std::string_view rest = json.substr(at + begin.size());
  return rest.substr(0, std::min(rest.find('"'), rest.size()));
}

WatchEvent too_large(std::size_t kind, std::string_view beginning, std::size_t limit) {
  WatchEvent event;
  const auto meta = beginning.find("\"metadata\":{");
  const std::string_view named =
      meta == std::string_view::npos ? std::string_view() : beginning.substr(meta);
  event.subject.key = {kind, std::string(text_of(named, "namespace")),
                       std::string(text_of(named, "name"))};
  event.subject.problem = fmt::format("larger than {} bytes: passed over", limit);
  return event;
}

}  // namespace

void WatchReader::restart() {
  held_.clear();
  passing_over_ = false;
}

void WatchReader::feed(std::string_view piece, std::vector<WatchEvent>& events) {
  while (!piece.empty()) {
    const auto end = piece.find('\n');
    const bool is_whole = end != std::string_view::npos;
    const std::string_view part = piece.substr(0, end);
    piece.remove_prefix(is_whole ? end + 1 : piece.size());
    if (is_whole && held_.empty() && !passing_over_ && part.size() <= max_event_bytes_) {
      read_line(part, events);
      continue;
    }
    hold(part);
    if (!is_whole) {
      return;
    }
    if (passing_over_) {
      events.push_back(too_large(kind_, held_, max_event_bytes_));
    } else {
      read_line(held_, events);
    }
    restart();
    if (held_.capacity() > kKeptBytes) {
      held_.clear();
      held_.shrink_to_fit();  // an empty string assigned would leave it as large as it is
    }
  }
}

void WatchReader::hold(std::string_view part) {
  if (passing_over_) {
    return;
  }
  if (held_.size() + part.size() <= max_event_bytes_) {
    held_ += part;
    return;
  }
  held_.append(part.substr(0, kNamingBytes));
  held_.resize(std::min(held_.size(), kNamingBytes));
  held_.shrink_to_fit();
  passing_over_ = true;
}

void WatchReader::read_line(std::string_view line, std::vector<WatchEvent>& events) {
  EventSink sink(kind_, events);
  const std::size_t before = events.size();
  const auto error = read_api_json(line, scratch_, sink);
  if (!error) {
    return;
  }
  // What a line says before it turns bad is not to be believed.
  events.resize(before);
  WatchEvent& event = events.emplace_back();
  event.subject.key.kind = kind_;
  event.subject.problem =
      fmt::format("an event that can't be read: {} (column {})", error->message, error->column);
}

}  // namespace portico::kube
