// Text to documents: YAML and JSON.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/kube/document.h"

namespace portico::kube {

struct SyntaxError {
  int line = 0;    // 1-based, in the file
  int column = 0;  // 1-based
  std::string message;
};

// A part of a YAML file that can be read by itself.
struct YamlPart {
  std::string_view text;
  int line = 1;  // of its first line in the file
};

// Cuts a file at the lines that begin a document. `---` at the start of a line does nothing else in
// YAML, not even inside quoted or block text (YAML 1.2, rule c-forbidden), so parts are read
// independently: by several threads, and with an error in one leaving the others whole.
std::vector<YamlPart> split_yaml(std::string_view file);

// Read documents from `text`, whose first line is `first_line` of its file, and tell `sink` each
// one. `scratch` is the memory that is used, to be kept for the next call. The documents before a
// syntax error have been told.
std::optional<SyntaxError> read_yaml(std::string_view text, int first_line, Document& scratch,
                                     DocumentSink& sink);
// Lines are known only for the start of each top-level value.
std::optional<SyntaxError> read_json(std::string_view text, Document& scratch, DocumentSink& sink);
// One answer or event of the API server. Every item of a list is told by itself, with or without a
// kind, the list last. What nobody reads here is dropped while it is parsed, unseen: managedFields,
// the last applied configuration, and of a status all but its load balancer.
std::optional<SyntaxError> read_api_json(std::string_view text, Document& scratch,
                                         DocumentSink& sink);

}  // namespace portico::kube
