#include "e2e/echo/request.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace portico::echo {

namespace {

constexpr std::size_t kPieceBytes = 64 * 1024;

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool read_fields(Stream& stream, std::vector<std::pair<std::string, std::string>>& fields) {
  for (;;) {
    const auto line = stream.read_line();
    if (!line) {
      return false;
    }
    if (line->empty()) {
      return true;
    }
    const auto colon = line->find(':');
    if (colon == std::string::npos) {
      return false;
    }
    fields.emplace_back(line->substr(0, colon), trim(std::string_view(*line).substr(colon + 1)));
  }
}

std::optional<std::uint64_t> parse_number(std::string_view text, int base) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end == text.data()) {
    return std::nullopt;
  }
  return value;
}

bool read_length(Stream& stream, std::uint64_t bytes, const TakeBody& take) {
  while (bytes > 0) {
    const auto piece = stream.read_some(std::min<std::uint64_t>(bytes, kPieceBytes));
    if (piece.empty()) {
      return false;
    }
    take(piece);
    bytes -= piece.size();
  }
  return true;
}

bool read_chunks(Stream& stream, const TakeBody& take) {
  for (;;) {
    const auto line = stream.read_line();
    const auto size = line ? parse_number(*line, 16) : std::nullopt;
    if (!size) {
      return false;
    }
    if (*size == 0) {
      std::vector<std::pair<std::string, std::string>> trailers;
      return read_fields(stream, trailers);
    }
    if (!read_length(stream, *size, take) || stream.read_line() != "") {
      return false;
    }
  }
}

}  // namespace

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](unsigned char left, unsigned char right) {
    return std::tolower(left) == std::tolower(right);
  });
}

std::string_view Request::field(std::string_view name) const {
  const auto found = std::ranges::find_if(
      fields, [&](const auto& field) { return equals_ignoring_case(field.first, name); });
  return found == fields.end() ? std::string_view{} : found->second;
}

std::string_view Request::path() const {
  return std::string_view(target).substr(0, target.find('?'));
}

std::optional<std::string> Request::option(std::string_view name) const {
  const auto query = target.find('?');
  std::string_view rest =
      query == std::string::npos ? "" : std::string_view(target).substr(query + 1);
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    const auto equals = pair.find('=');
    if (pair.substr(0, equals) == name) {
      return std::string(equals == std::string_view::npos ? "1" : pair.substr(equals + 1));
    }
  }
  return std::nullopt;
}

std::uint64_t Request::number(std::string_view name, std::uint64_t otherwise) const {
  const auto text = option(name);
  return text ? parse_number(*text, 10).value_or(otherwise) : otherwise;
}

std::optional<Request> read_request_head(Stream& stream) {
  const auto line = stream.read_line();
  const auto first = line ? line->find(' ') : std::string::npos;
  const auto last = line ? line->rfind(' ') : std::string::npos;
  if (first == std::string::npos || first == last) {
    return std::nullopt;
  }
  Request request{line->substr(0, first),
                  line->substr(first + 1, last - first - 1),
                  line->substr(last + 1),
                  {}};
  if (!read_fields(stream, request.fields)) {
    return std::nullopt;
  }
  return request;
}

bool read_body(Stream& stream, const Request& request, const TakeBody& take) {
  if (equals_ignoring_case(request.field("transfer-encoding"), "chunked")) {
    return read_chunks(stream, take);
  }
  return read_length(stream, parse_number(request.field("content-length"), 10).value_or(0), take);
}

}  // namespace portico::echo
