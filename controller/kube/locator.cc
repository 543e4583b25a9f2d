#include "controller/kube/locator.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>

namespace portico::kube {
namespace {

// The next step of a field path, taken off it.
std::string_view take_step(std::string_view& path) {
  if (path.starts_with('[')) {
    const std::size_t end = std::min(path.find(']'), path.size());
    const std::string_view step = path.substr(1, end - 1);
    path.remove_prefix(std::min(end + 1, path.size()));
    return step;
  }
  if (path.starts_with('.')) {
    path.remove_prefix(1);
  }
  const std::string_view step = path.substr(0, path.find_first_of(".["));
  path.remove_prefix(step.size());
  return step;
}

Value item(Value list, std::string_view number) {
  std::size_t index = 0;
  auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), index);
  if (error != std::errc() || end != number.data() + number.size()) {
    return {};
  }
  Value at = list.first();
  for (; at && index > 0; --index) {
    at = at.next();
  }
  return at;
}

int line_of(Value value, std::string_view path) {
  int line = value.line();
  while (!path.empty()) {
    // A key that holds dots, written without brackets: metadata.annotations.example.com/x
    if (Value rest = value.find(path.starts_with('.') ? path.substr(1) : path)) {
      return rest.line();
    }
    const std::string_view step = take_step(path);
    value = value.is_list() ? item(value, step) : value.find(step);
    if (!value) {
      return line;
    }
    line = value.line();
  }
  return line;
}

class Finder final : public DocumentSink {
 public:
  Finder(std::string_view kind, std::string_view space, std::string_view name,
         std::string_view field)
      : kind_(kind), space_(space), name_(name), field_(field) {}

  void on_document(Value root, std::span<const DocumentProblem> /*problems*/) override {
    look(root, {});
    const std::string_view kind = root.member_text("kind");
    if (kind.ends_with("List")) {
      for (Value item = root.find("items").first(); item; item = item.next()) {
        look(item, kind.substr(0, kind.size() - 4));
      }
    }
  }

  std::optional<int> line;

 private:
  void look(Value object, std::string_view list_kind) {
    const Value meta = object.find("metadata");
    const Value own_kind = object.find("kind");
    const std::string_view kind = own_kind ? own_kind.text() : list_kind;
    const std::string_view space = meta.member_text("namespace");
    const bool same_space =
        space == space_ || (space.empty() && space_ == "default") || space_.empty();
    if (!line && kind == kind_ && meta.member_text("name") == name_ && same_space) {
      line = line_of(object, field_);
      // A Secret's text may stand under either name; findings say data.
      if (field_.starts_with("data") && !object.find("data") && object.find("stringData")) {
        line = line_of(object, "stringData" + std::string(field_.substr(4)));
      }
    }
  }

  std::string_view kind_, space_, name_, field_;
};

}  // namespace

void Locator::load(const std::string& file) {
  if (file == file_) {
    return;
  }
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  file_ = file;
  text_ = std::move(text).str();
  // JSON is YAML, as far as finding a line goes.
  parts_ = file.ends_with(".json") ? std::vector<YamlPart>{{text_, 1}} : split_yaml(text_);
}

std::optional<int> Locator::find_in(const YamlPart& part, const Wanted& wanted) {
  if (part.text.find(wanted.name) == std::string_view::npos) {
    return std::nullopt;
  }
  Finder finder(wanted.kind, wanted.space, wanted.name, wanted.field);
  // An error further down does not matter to what was found above it.
  static_cast<void>(read_yaml(part.text, part.line, scratch_, finder));
  return finder.line;
}

std::optional<int> Locator::find(const std::string& file, int near, const Wanted& wanted) {
  load(file);
  auto begins_after = [](int line, const YamlPart& part) { return line < part.line; };
  const auto after = std::upper_bound(parts_.begin(), parts_.end(), near, begins_after);
  if (after != parts_.begin()) {
    if (auto line = find_in(*std::prev(after), wanted)) {
      return line;
    }
  }
  for (const YamlPart& part : parts_) {
    if (auto line = find_in(part, wanted)) {
      return line;
    }
  }
  return std::nullopt;
}

int Locator::line(std::string_view kind, const Metadata& object, std::string_view field) {
  if (object.origin.file == nullptr) {
    return object.origin.line;
  }
  return find(*object.origin.file, object.origin.line,
              {kind, object.namespace_, object.name, field})
      .value_or(object.origin.line);
}

void Locator::locate(std::span<routing::Diagnostic> diagnostics) {
  for (routing::Diagnostic& found : diagnostics) {
    if (found.file.empty() || found.object.name.empty() || found.field.empty()) {
      continue;
    }
    const routing::ObjectRef& object = found.object;
    found.line =
        find(found.file, found.line, {object.kind, object.namespace_, object.name, found.field})
            .value_or(found.line);
  }
}

}  // namespace portico::kube
