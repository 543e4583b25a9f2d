// Which object counts, where several files may hold it: a decider, without files or clocks.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "controller/kube/decode.h"
#include "controller/kube/objects.h"
#include "routing/diagnostic.h"

namespace portico::kube {

// The objects of all files. Of several with the same key the first counts, by file name, then by
// place in the file; the others are errors. What a file held and can no longer be read goes on
// counting (fail static).
//
// Cost:      a file's change costs what that file holds.
class ObjectIndex {
 public:
  // The file's contents as they now are; what changed by it is added to `changes`.
  void put(const std::string& path, Decoded contents, std::vector<Change>& changes);
  void remove(const std::string& path, std::vector<Change>& changes);

  // The findings of all files, ordered by file.
  [[nodiscard]] routing::Diagnostics diagnostics() const;
  [[nodiscard]] std::vector<ObjectPointer> objects() const;
  // Whether the findings are other than when last asked.
  bool take_diagnostics_changed() { return std::exchange(diagnostics_changed_, false); }

 private:
  struct KeyHash {
    std::size_t operator()(const ObjectKey& key) const;
  };
  struct Holding {
    std::string_view file;  // the key in files_
    ObjectPointer object;
  };
  using Held = std::vector<ObjectPointer>;

  static Held settle(const std::string& path, const Held& before, Decoded& contents);
  void hold(std::string_view file, const ObjectKey& key, ObjectPointer object,
            std::vector<Change>& changes);
  void set_findings(const std::string& path, routing::Diagnostics found);

  std::map<std::string, Held, std::less<>> files_;
  std::map<std::string, routing::Diagnostics, std::less<>>
      findings_;  // only of files that have some
  std::unordered_map<ObjectKey, std::vector<Holding>, KeyHash> holdings_;
  std::set<ObjectKey> contested_;  // held by more than one file
  bool diagnostics_changed_ = false;
};

}  // namespace portico::kube
