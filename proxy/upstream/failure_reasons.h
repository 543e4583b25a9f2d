// Sentences about failures that are made up as they happen: a ProxyError's reason must outlive it.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>

namespace portico::upstream {

// Keeps each sentence once; when there are too many, the general one has to do. What endpoints can
// bring about (names and dates of certificates) so takes bounded memory.
//
// Thread:    worker-bound.
// Lifetime:  its sentences live as long as it.
class FailureReasons {
 public:
  // "general: detail", or `general` alone, which is static text.
  std::string_view keep(std::string_view general, std::string_view detail);

 private:
  static constexpr std::size_t kMost = 256;
  static constexpr std::size_t kLongestDetail = 300;

  std::set<std::string, std::less<>> sentences_;
};

}  // namespace portico::upstream
