#include "controller/kube/field_reader.h"

#include <charconv>

#include <fmt/format.h>

#include "controller/kube/nearest_name.h"

namespace portico::kube {
namespace {

// Keys that would be taken for a path are set in brackets: metadata.annotations[a.b/c].
bool is_plain_key(std::string_view key) {
  return key.find_first_of("./[]") == std::string_view::npos;
}

template <class Integer>
bool parse_whole(std::string_view text, Integer& out) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::string At::path() const {
  std::string path = parent == nullptr ? std::string() : parent->path();
  if (index >= 0) {
    return path + fmt::format("[{}]", index);
  }
  if (key.empty()) {
    return path;
  }
  if (!is_plain_key(key)) {
    return path + fmt::format("[{}]", key);
  }
  return path.empty() ? std::string(key) : path + "." + std::string(key);
}

int At::line() const {
  const At* at = this;
  while (!at->value && at->parent != nullptr) {
    at = at->parent;
  }
  return at->value.line();
}

std::string quoted(std::string_view text) {
  constexpr std::size_t kLongest = 80;
  std::string out = "\"";
  for (char c : text.substr(0, kLongest)) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte == 0x7f ? fmt::format("\\x{:02x}", byte) : std::string(1, c);
  }
  return out + (text.size() > kLongest ? "...\"" : "\"");
}

std::string described(Value value) {
  if (value.is_map()) {
    return "a map";
  }
  if (value.is_list()) {
    return "a list";
  }
  if (value.is_null()) {
    return "nothing";
  }
  switch (value.scalar_type()) {
    case ScalarType::kString:
      return quoted(value.text());
    case ScalarType::kBool:
      return fmt::format("the boolean {}", value.text());
    case ScalarType::kInteger:
    case ScalarType::kFloat:
      break;
  }
  return fmt::format("the number {}", value.text().substr(0, 40));
}

void FieldReader::report(routing::Severity severity, const At& at, std::string message,
                         std::string fix) {
  found_.push_back({.severity = severity,
                    .object = object_,
                    .field = at.path(),
                    .message = std::move(message),
                    .fix = std::move(fix),
                    .file = std::string(file_),
                    .line = at.line()});
}

void FieldReader::wrong_type(const At& at, std::string_view wanted) {
  break_with(at, fmt::format("must be {}, not {}", wanted, described(at.value)));
}

bool FieldReader::expect(const At& at, NodeKind kind) {
  if (at.value.is_null()) {
    return false;
  }
  if (at.value.kind() != kind) {
    wrong_type(at, kind == NodeKind::kMap ? "a map" : "a list");
    return false;
  }
  return true;
}

void FieldReader::unknown(const At& at, std::span<const std::string_view> known) {
  const auto nearest = nearest_name(at.key, known);
  error(at,
        nearest ? fmt::format("unknown field {}: did you mean \"{}\"?", quoted(at.key), *nearest)
                : fmt::format("unknown field {}", quoted(at.key)),
        nearest ? fmt::format("rename it to \"{}\"", *nearest) : "remove it");
}

void FieldReader::string(const At& at, std::string& out) {
  if (at.value.is_null()) {
    return;
  }
  if (!at.value.is_scalar()) {
    wrong_type(at, "text");
    return;
  }
  // The API refuses numbers and booleans here; what was meant is clear all the same.
  if (at.value.scalar_type() != ScalarType::kString) {
    error(at, fmt::format("must be text, not {}", described(at.value)),
          fmt::format("put it in quotes: \"{}\"", at.value.text()));
  }
  out = at.value.text();
}

void FieldReader::integer(const At& at, std::int32_t& out) {
  if (at.value.is_null()) {
    return;
  }
  std::int32_t number = 0;
  if (!at.value.is_scalar() || !parse_whole(at.value.text(), number)) {
    wrong_type(at, "a whole number");
    return;
  }
  if (at.value.scalar_type() != ScalarType::kInteger) {
    error(at, fmt::format("must be a number, not the text {}", quoted(at.value.text())),
          "remove the quotes");
  }
  out = number;
}

void FieldReader::boolean(const At& at, std::optional<bool>& out) {
  if (at.value.is_null()) {
    return;
  }
  if (!at.value.is_scalar() || at.value.scalar_type() != ScalarType::kBool) {
    wrong_type(at, "true or false");
    return;
  }
  const std::string_view text = at.value.text();
  out = text[0] == 't' || text[0] == 'T' || text[0] == 'y' || text[0] == 'Y' || text == "on" ||
        text == "On" || text == "ON";
}

void FieldReader::string_map(const At& at, std::map<std::string, std::string, std::less<>>& out) {
  if (!expect(at, NodeKind::kMap)) {
    return;
  }
  for (Value member = at.value.first(); member; member = member.next()) {
    string(At{&at, member, member.key()}, out[std::string(member.key())]);
  }
}

void FieldReader::string_list(const At& at, std::vector<std::string>& out) {
  list(at, out, [](FieldReader& reader, const At& item, std::string& text) {
    if (item.value.is_null()) {
      reader.break_with(item, "must be text, not nothing");
    }
    reader.string(item, text);
  });
}

void FieldReader::require(const At& map, std::string_view name) {
  if (!map.value.is_map()) {
    return;  // told already, or the map itself was not required
  }
  const At at = map.member(name);
  if (at.value.is_null()) {
    break_with(at, fmt::format("required field \"{}\" is missing", name));
  } else if (at.value.is_scalar() && at.value.text().empty()) {
    break_with(at, fmt::format("required field \"{}\" is empty", name));
  }
}

std::size_t FieldReader::count(Value list) {
  std::size_t items = 0;
  for (Value item = list.first(); item; item = item.next()) {
    ++items;
  }
  return items;
}

}  // namespace portico::kube
