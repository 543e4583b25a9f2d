// What several reflectors hold, as one stream of changes.
#pragma once

#include <array>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/kube/cluster/label_selector.h"
#include "controller/kube/cluster/reflector.h"
#include "controller/kube/objects.h"

namespace portico::kube {

// A decider. Of an object that several reflectors hold the first counts, in the order in which they
// were added. With a selector, objects show only while their namespace is selected, but for those
// of reflectors that are read `everywhere`.
//
// Lifetime:  its reflectors outlive it, or are removed.
class ClusterView {
 public:
  enum class Reach : std::uint8_t { kSelected, kEverywhere };

  // No selector: every namespace. With one, a reflector of Namespaces is to be added.
  explicit ClusterView(std::optional<LabelSelector> namespaces)
      : selector_(std::move(namespaces)) {}

  void add(const Reflector& reflector, Reach reach);
  // What it alone held is gone.
  void remove(const Reflector& reflector);
  // `changes` are what the reflector has just taken up.
  void take(const Reflector& reflector, const std::vector<Change>& changes);

  std::vector<Change> take_changes() { return std::exchange(changes_, {}); }
  [[nodiscard]] bool has_changes() const { return !changes_.empty(); }

 private:
  struct Holder {
    const Reflector* reflector = nullptr;
    Reach reach = Reach::kSelected;
  };

  [[nodiscard]] bool is_selected(std::string_view namespace_) const;
  [[nodiscard]] ObjectPointer visible(const ObjectKey& key) const;
  void take_namespaces(const std::vector<Change>& changes);

  const std::optional<LabelSelector> selector_;
  std::array<std::vector<Holder>, std::variant_size_v<Object>> holders_;  // by kind
  std::set<std::string, std::less<>> selected_;
  std::vector<Change> changes_;
};

}  // namespace portico::kube
