// The values that annotations take, read as ingress-nginx reads them.
//
// Each function gives the value, or what it must be instead: a phrase that ends the sentence `"5x"
// is not …`.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace portico::translate {

// 1 t T true TRUE True 0 f F false FALSE False, without spaces around.
std::expected<bool, std::string_view> read_bool(std::string_view text);

// "on" or "off".
std::expected<bool, std::string_view> read_on_off(std::string_view text);

// A whole number up to 255.
std::expected<std::uint8_t, std::string_view> read_small_count(std::string_view text);

// Digits with k, m or g of any case after them, spaces around them; in bytes, 0 meaning no limit.
std::expected<std::uint64_t, std::string_view> read_size(std::string_view text);

// Whole seconds from 1 to a year, without a unit. ingress-nginx takes 0 and negative numbers too,
// which nginx then times out at once or refuses to start with: they are errors here.
std::expected<std::chrono::milliseconds, std::string_view> read_seconds(std::string_view text);

// The same, and 0, which is no limit.
std::expected<std::chrono::milliseconds, std::string_view> read_seconds_or_none(
    std::string_view text);

// A whole number that is not negative.
std::expected<std::uint64_t, std::string_view> read_count(std::string_view text);

// Paths, separated by commas, each beginning with a slash; none where there is nothing.
std::expected<std::vector<std::string>, std::string_view> read_paths(std::string_view text);

// Without the spaces and line ends around it, as ingress-nginx takes values that are texts.
std::string_view trim(std::string_view text);

// As a message shows it: in quotes, on one line without control characters, cut where it is long
// (values can be whole files of nginx text).
std::string quoted_value(std::string_view value);

// Whether nginx configuration text holds a directive that lets some clients in and keeps others
// out.
bool snippet_guards_access(std::string_view text);

}  // namespace portico::translate
