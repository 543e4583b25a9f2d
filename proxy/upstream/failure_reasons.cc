#include "proxy/upstream/failure_reasons.h"

#include <utility>

namespace portico::upstream {

std::string_view FailureReasons::keep(std::string_view general, std::string_view detail) {
  std::string sentence(general);
  sentence.append(": ").append(detail.substr(0, kLongestDetail));
  if (const auto known = sentences_.find(sentence); known != sentences_.end()) {
    return *known;
  }
  return sentences_.size() < kMost ? *sentences_.insert(std::move(sentence)).first : general;
}

}  // namespace portico::upstream
