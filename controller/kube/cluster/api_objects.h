// What the API server says, as objects: lists a page at a time, single objects, refusals.
//
// What is written here came from the server and was judged there: fields that are not known are
// passed over without a word, and an object that can't be used is named and harms no other.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/kube/document.h"
#include "controller/kube/objects.h"
#include "routing/diagnostic.h"

namespace portico::kube {

// One object as it was said.
struct ApiObject {
  ObjectKey key;         // its name is empty where none was given
  ObjectPointer object;  // null: can't be used
  std::string version;   // resourceVersion
  std::string problem;   // why it can't be used
};

// Of `kind` (an index into Object), in `value`. Never fails but for the object.
ApiObject read_api_object(std::size_t kind, Value value);
// Its key and version only.
ApiObject read_api_key(std::size_t kind, Value value);

struct ListPage {
  std::vector<ApiObject> objects;
  std::string version;  // resourceVersion of the list
  std::string next;     // token of the next page; "" this is the last
};

// Errors: none where the body is a list; else one line.
std::optional<std::string> read_list_page(std::size_t kind, std::string_view body,
                                          Document& scratch, ListPage& page);

// A `kind: Status`: why something was refused.
struct ApiStatus {
  int code = 0;
  std::string reason;  // "Expired"
  std::string message;
};
ApiStatus read_status(Value value);
// Of a body that may be anything.
ApiStatus read_status(std::string_view body, Document& scratch);

}  // namespace portico::kube
