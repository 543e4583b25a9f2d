// Reading what the API server answers: absent and ill-typed members read as empty.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <boost/json/value.hpp>

namespace portico::status {

// Null where it is no JSON.
boost::json::value parse_json(std::string_view text);

// member(pod, "status", "phase")
const boost::json::value& member(const boost::json::value& object, std::string_view key);
template <class... Keys>
const boost::json::value& member(const boost::json::value& object, std::string_view key,
                                 Keys... rest) {
  return member(member(object, key), rest...);
}

std::string text(const boost::json::value& value);
std::int64_t integer(const boost::json::value& value);
std::span<const boost::json::value> items(const boost::json::value& value);

}  // namespace portico::status
