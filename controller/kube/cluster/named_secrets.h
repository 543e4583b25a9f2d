// The Secrets that are read one by one: named by an Ingress, but not among those of the TLS type.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <set>
#include <string>

namespace portico::kube {

// Each that is read costs an open watch, which is a connection to the API server, so that only so
// many are at once. While others wait, those that turn out not to exist give way to them, in turn.
//
// A decider. Keys are "namespace/name".
class NamedSecrets {
 public:
  static constexpr std::size_t kMostRead = 256;
  static constexpr std::size_t kTurns = 8;  // that give way at a time

  // An Ingress names it, or none does any more. `held`: it is among those of the TLS type.
  void want(const std::string& key, bool held);
  void forget(const std::string& key);
  // It came to be among those of the TLS type, or left them.
  void set_held(const std::string& key, bool held);

  // Lets those give way that don't exist.
  void take_turns(const std::function<bool(const std::string& key)>& is_absent);

  [[nodiscard]] const std::set<std::string>& read() const { return read_; }
  [[nodiscard]] const std::deque<std::string>& waiting() const { return waiting_; }

 private:
  void drop(const std::string& key);
  void fill();

  std::set<std::string> wanted_;
  std::set<std::string> read_;
  std::deque<std::string> waiting_;
};

}  // namespace portico::kube
