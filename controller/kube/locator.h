// Finds the line of a field in the file an object was read from. Nothing is kept per field: the
// file is read again.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controller/kube/document_reader.h"
#include "controller/kube/objects.h"
#include "routing/diagnostic.h"

namespace portico::kube {

// Keeps the last file, for several questions about it. A file that changed since it was read, or
// can't be read, answers with what it has: the nearest thing around the field, at last the
// document's first line.
class Locator {
 public:
  // The line of `field` (`spec.rules[0].http.paths[1].path`,
  // `metadata.annotations[portico.dev/x]`).
  int line(std::string_view kind, const Metadata& object, std::string_view field);

  // Sets the lines of those that name a file: `line` is then the field's.
  void locate(std::span<routing::Diagnostic> diagnostics);

 private:
  struct Wanted {
    std::string_view kind, space, name, field;
  };
  std::optional<int> find(const std::string& file, int near, const Wanted& wanted);
  std::optional<int> find_in(const YamlPart& part, const Wanted& wanted);
  void load(const std::string& file);

  std::string file_;
  std::string text_;
  std::vector<YamlPart> parts_;  // of text_
  Document scratch_;
};

}  // namespace portico::kube
