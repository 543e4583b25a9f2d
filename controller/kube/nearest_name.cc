#include "controller/kube/nearest_name.h"

#include <algorithm>
#include <vector>

namespace portico::kube {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Insertions, deletions, replacements and swaps of neighbours that lead from `a` to `b`, case
// aside.
std::size_t typing_errors(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) {
    above[j] = j;
  }
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = lower(a[i - 1]) == lower(b[j - 1]);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (same ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                           lower(a[i - 2]) == lower(b[j - 1]);
      if (swapped) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    std::swap(before, above);
    std::swap(above, row);
  }
  return above[b.size()];
}

}  // namespace

std::optional<std::string_view> nearest_name(std::string_view name,
                                             std::span<const std::string_view> known) {
  constexpr std::size_t kLongestWorthComparing = 128;
  if (name.size() > kLongestWorthComparing) {
    return std::nullopt;
  }
  // One error in four letters still looks like the same word; three are a typing accident at most.
  const std::size_t allowed = std::clamp<std::size_t>(name.size() / 4, 1, 3);
  std::optional<std::string_view> best;
  std::size_t best_errors = allowed + 1;
  for (std::string_view candidate : known) {
    // Each letter more or fewer is an error by itself.
    const auto [shorter, longer] = std::minmax({name.size(), candidate.size()});
    if (longer - shorter > allowed) {
      continue;
    }
    const std::size_t errors = typing_errors(name, candidate);
    if (errors < best_errors) {
      best = candidate;
      best_errors = errors;
    }
  }
  return best;
}

}  // namespace portico::kube
