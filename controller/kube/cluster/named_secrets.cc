#include "controller/kube/cluster/named_secrets.h"

#include <algorithm>

namespace portico::kube {

void NamedSecrets::want(const std::string& key, bool held) {
  if (wanted_.insert(key).second && !held) {
    waiting_.push_back(key);
    fill();
  }
}

void NamedSecrets::forget(const std::string& key) {
  if (wanted_.erase(key) != 0) {
    drop(key);
    fill();
  }
}

void NamedSecrets::set_held(const std::string& key, bool held) {
  if (!wanted_.contains(key)) {
    return;
  }
  if (held) {
    drop(key);
  } else if (!read_.contains(key) && std::ranges::find(waiting_, key) == waiting_.end()) {
    waiting_.push_back(key);
  }
  fill();
}

void NamedSecrets::take_turns(const std::function<bool(const std::string&)>& is_absent) {
  std::deque<std::string> giving_way;
  for (const std::string& key : read_) {
    if (giving_way.size() < std::min(kTurns, waiting_.size()) && is_absent(key)) {
      giving_way.push_back(key);
    }
  }
  for (std::string& key : giving_way) {
    read_.erase(key);
    waiting_.push_back(std::move(key));
  }
  fill();
}

void NamedSecrets::drop(const std::string& key) {
  if (read_.erase(key) == 0) {
    std::erase(waiting_, key);
  }
}

void NamedSecrets::fill() {
  while (read_.size() < kMostRead && !waiting_.empty()) {
    read_.insert(std::move(waiting_.front()));
    waiting_.pop_front();
  }
}

}  // namespace portico::kube
