// Documents to objects: typed, strict about names and types, and harmless to neighbours.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "controller/kube/document.h"
#include "controller/kube/objects.h"
#include "routing/diagnostic.h"

namespace portico::kube {

// What a text holds.
struct Decoded {
  std::vector<std::shared_ptr<Object>> objects;
  // Named, but not usable as they stand: whatever served of them keeps serving.
  std::vector<ObjectKey> broken;
  // A part could not be read at all: what it holds is not known.
  bool has_unreadable_part = false;
  int documents = 0;  // read, kinds of no interest included, items of lists counted each
  routing::Diagnostics diagnostics;
};

// Adds one document, or each item of its list, to `out`. Kinds of no interest are passed over.
void decode_document(Value root, std::span<const DocumentProblem> problems,
                     const std::shared_ptr<const std::string>& file, Decoded& out);

// Adds all the documents of one YAML part (see split_yaml) or of a JSON file.
void decode_yaml(std::string_view text, int first_line,
                 const std::shared_ptr<const std::string>& file, Document& scratch, Decoded& out);
void decode_json(std::string_view text, const std::shared_ptr<const std::string>& file,
                 Document& scratch, Decoded& out);

}  // namespace portico::kube
