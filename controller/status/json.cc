#include "controller/status/json.h"

#include <boost/json/parse.hpp>

namespace portico::status {

namespace json = boost::json;

json::value parse_json(std::string_view text) {
  json::error_code failed;
  auto value = json::parse({text.data(), text.size()}, failed);
  return failed ? json::value() : value;
}

const json::value& member(const json::value& object, std::string_view key) {
  static const json::value kNull;
  const auto* map = object.if_object();
  const auto* found = map == nullptr ? nullptr : map->if_contains({key.data(), key.size()});
  return found == nullptr ? kNull : *found;
}

std::string text(const json::value& value) {
  const auto* string = value.if_string();
  return string == nullptr ? std::string() : std::string(string->data(), string->size());
}

std::int64_t integer(const json::value& value) {
  const auto* number = value.if_int64();
  return number == nullptr ? 0 : *number;
}

std::span<const json::value> items(const json::value& value) {
  const auto* array = value.if_array();
  return array == nullptr ? std::span<const json::value>()
                          : std::span<const json::value>(array->data(), array->size());
}

}  // namespace portico::status
