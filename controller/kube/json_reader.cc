// The only file that knows Boost.JSON.
#include <algorithm>

#include <boost/json/basic_parser_impl.hpp>

#include "controller/kube/document_reader.h"

namespace portico::kube {
namespace {

namespace json = boost::json;

// What the API server says beside what is read here. Decides by keys on the way down.
class BulkFilter {
 public:
  // Whether the value of this key is to be dropped.
  bool drops(std::string_view key) {
    const Place here = places_.empty() ? Place::kAnywhere : places_.back();
    next_ = Place::kAnywhere;
    switch (here) {
      case Place::kMetadata:
        next_ = key == "annotations" ? Place::kAnnotations : Place::kAnywhere;
        return key == "managedFields" || key == "ownerReferences" || key == "finalizers";
      case Place::kAnnotations:
        return key == "kubectl.kubernetes.io/last-applied-configuration";
      case Place::kStatus:
        return key != "loadBalancer";
      case Place::kAnywhere:
        break;
    }
    if (key == "metadata") {
      next_ = Place::kMetadata;
    } else if (key == "status") {
      next_ = Place::kStatus;
    }
    return false;
  }
  void enter(bool is_map) {
    places_.push_back(is_map ? next_ : Place::kAnywhere);
    next_ = Place::kAnywhere;
  }
  void leave() { places_.pop_back(); }
  void restart() {
    places_.clear();
    next_ = Place::kAnywhere;
  }

 private:
  enum class Place : std::uint8_t { kAnywhere, kMetadata, kAnnotations, kStatus };
  std::vector<Place> places_;  // one a container that is open
  Place next_ = Place::kAnywhere;
};

// What basic_parser tells, handed on to a DocumentBuilder.
class Handler {
 public:
  static constexpr std::size_t max_object_size = std::size_t(-1);
  static constexpr std::size_t max_array_size = std::size_t(-1);
  static constexpr std::size_t max_key_size = 1 << 20;
  static constexpr std::size_t max_string_size = 64 << 20;

  Handler(Document& document, DocumentSink& sink, bool from_api)
      : builder_(document, sink,
                 from_api ? DocumentBuilder::Items::kAll : DocumentBuilder::Items::kWithKind),
        from_api_(from_api) {}

  void set_line(int line) { line_ = line; }
  [[nodiscard]] DocumentBuilder::Refusal refusal() const { return refusal_; }

  bool on_document_begin(json::error_code& /*ec*/) {
    builder_.start();
    filter_.restart();
    dropped_depth_ = 0;
    drop_next_ = false;
    return true;
  }
  bool on_document_end(json::error_code& /*ec*/) {
    builder_.finish();
    return true;
  }
  bool on_object_begin(json::error_code& ec) { return begin(NodeKind::kMap, ec); }
  bool on_object_end(std::size_t /*n*/, json::error_code& ec) { return end(ec); }
  bool on_array_begin(json::error_code& ec) { return begin(NodeKind::kList, ec); }
  bool on_array_end(std::size_t /*n*/, json::error_code& ec) { return end(ec); }
  bool on_key_part(json::string_view part, std::size_t /*n*/, json::error_code& /*ec*/) {
    return keep(part);
  }
  bool on_key(json::string_view part, std::size_t /*n*/, json::error_code& ec) {
    keep(part);
    if (dropped_depth_ == 0 && from_api_ && filter_.drops(kept_)) {
      drop_next_ = true;
      kept_.clear();
      return true;
    }
    return tell(NodeKind::kString, ec);
  }
  bool on_string_part(json::string_view part, std::size_t /*n*/, json::error_code& /*ec*/) {
    return keep(part);
  }
  bool on_string(json::string_view part, std::size_t /*n*/, json::error_code& ec) {
    return whole(NodeKind::kString, part, ec);
  }
  bool on_number_part(json::string_view part, json::error_code& /*ec*/) { return keep(part); }
  bool on_int64(std::int64_t /*number*/, json::string_view part, json::error_code& ec) {
    return whole(NodeKind::kPlain, part, ec);
  }
  bool on_uint64(std::uint64_t /*number*/, json::string_view part, json::error_code& ec) {
    return whole(NodeKind::kPlain, part, ec);
  }
  bool on_double(double /*number*/, json::string_view part, json::error_code& ec) {
    return whole(NodeKind::kPlain, part, ec);
  }
  bool on_bool(bool value, json::error_code& ec) {
    return whole(NodeKind::kPlain, value ? "true" : "false", ec);
  }
  bool on_null(json::error_code& ec) { return whole(NodeKind::kNull, {}, ec); }
  bool on_comment_part(json::string_view /*part*/, json::error_code& /*ec*/) { return true; }
  bool on_comment(json::string_view /*part*/, json::error_code& /*ec*/) { return true; }

 private:
  [[nodiscard]] bool dropping() const { return drop_next_ || dropped_depth_ > 0; }
  bool begin(NodeKind kind, json::error_code& ec) {
    if (dropping()) {
      drop_next_ = false;
      ++dropped_depth_;
      return true;
    }
    filter_.enter(kind == NodeKind::kMap);
    return check(builder_.begin(kind, line_), ec);
  }
  bool end(json::error_code& ec) {
    if (dropped_depth_ > 0) {
      --dropped_depth_;
      return true;
    }
    filter_.leave();
    return check(builder_.end(), ec);
  }
  bool keep(json::string_view part) {
    if (!dropping()) {
      kept_.append(part.data(), part.size());
    }
    return true;
  }
  bool whole(NodeKind kind, json::string_view part, json::error_code& ec) {
    keep(part);
    return tell(kind, ec);
  }
  bool tell(NodeKind kind, json::error_code& ec) {
    if (dropping()) {
      drop_next_ = false;
      return true;
    }
    const bool ok = check(builder_.scalar(kind, kept_, line_), ec);
    kept_.clear();
    return ok;
  }
  bool check(DocumentBuilder::Refusal refusal, json::error_code& ec) {
    if (refusal != nullptr) {
      refusal_ = refusal;
      ec = json::error::too_deep;  // any error stops the parser; the reason told is `refusal`
    }
    return refusal == nullptr;
  }

  DocumentBuilder builder_;
  const bool from_api_;
  BulkFilter filter_;
  int dropped_depth_ = 0;   // containers open in a value that is dropped
  bool drop_next_ = false;  // the value of the key just read is
  std::string kept_;
  int line_ = 1;
  DocumentBuilder::Refusal refusal_ = nullptr;
};

SyntaxError error_at(std::string_view text, std::size_t at, std::string message) {
  const std::string_view before = text.substr(0, at);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t line_begin = before.rfind('\n') + 1;  // npos + 1 is 0
  return {static_cast<int>(line), static_cast<int>(at - line_begin + 1), std::move(message)};
}

std::optional<SyntaxError> read(std::string_view text, Document& scratch, DocumentSink& sink,
                                bool from_api) {
  json::parse_options options;
  options.max_depth = DocumentBuilder::kMaxDepth;
  json::basic_parser<Handler> parser(options, scratch, sink, from_api);
  std::size_t at = 0;
  int line = 1;
  while (true) {
    const std::size_t begin = text.find_first_not_of(" \t\r\n", at);
    if (begin == std::string_view::npos) {
      return std::nullopt;
    }
    line += static_cast<int>(std::count(text.begin() + at, text.begin() + begin, '\n'));
    parser.reset();
    parser.handler().set_line(line);
    json::error_code ec;
    const std::size_t used = parser.write_some(false, text.data() + begin, text.size() - begin, ec);
    if (ec) {
      const auto refusal = parser.handler().refusal();
      return error_at(text, begin + used, refusal != nullptr ? refusal : ec.message());
    }
    line += static_cast<int>(std::count(text.begin() + begin, text.begin() + begin + used, '\n'));
    at = begin + used;
  }
}

}  // namespace

std::optional<SyntaxError> read_json(std::string_view text, Document& scratch, DocumentSink& sink) {
  return read(text, scratch, sink, false);
}

std::optional<SyntaxError> read_api_json(std::string_view text, Document& scratch,
                                         DocumentSink& sink) {
  return read(text, scratch, sink, true);
}

}  // namespace portico::kube
