#include "controller/translate/circuit_values.h"

#include <algorithm>
#include <optional>

#include <absl/strings/ascii.h>

#include "controller/translate/annotation_values.h"

namespace portico::translate {
namespace {

bool is_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, absl::ascii_isdigit);
}

// "0.25" is 250; none where it is no such number.
std::optional<std::uint64_t> read_thousandths(std::string_view text) {
  const auto point = text.find('.');
  const auto whole = text.substr(0, point);
  const auto fraction = point == std::string_view::npos ? "0" : text.substr(point + 1);
  constexpr std::size_t kMostDigits = 9;
  if (!is_digits(whole) || whole.size() > kMostDigits || !is_digits(fraction) ||
      fraction.size() > 3) {
    return std::nullopt;
  }
  std::uint64_t thousandths = 0;
  for (const auto digits : {whole, fraction, std::string_view("00").substr(fraction.size() - 1)}) {
    for (const auto digit : digits) {
      thousandths = thousandths * 10 + static_cast<std::uint64_t>(digit - '0');
    }
  }
  return thousandths;
}

}  // namespace

std::expected<std::uint32_t, std::string_view> read_circuit_limit(std::string_view value) {
  constexpr std::uint64_t kMost = 1'000'000;
  const auto limit = read_count(value);
  if (!limit || *limit > kMost) {
    return std::unexpected("a whole number up to 1000000, and \"0\" for no limit");
  }
  return static_cast<std::uint32_t>(*limit);
}

std::expected<std::chrono::milliseconds, std::string_view> read_queue_timeout(
    std::string_view value) {
  constexpr std::chrono::hours kMost{1};
  const auto thousandths = read_thousandths(value);
  if (!thousandths || *thousandths > std::uint64_t{std::chrono::milliseconds(kMost).count()}) {
    return std::unexpected(
        "a number of seconds up to 3600, without a unit (\"5\", \"0.5\"), and \"0\" to refuse at "
        "once");
  }
  return std::chrono::milliseconds(*thousandths);
}

}  // namespace portico::translate
