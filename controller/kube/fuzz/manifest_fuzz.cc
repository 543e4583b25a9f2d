// Any bytes as a manifest: nothing crashes, findings stay within bounds, and the objects read are
// the same when the parts of a file are read one by one or the file is indexed, twice.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "controller/kube/decode.h"
#include "controller/kube/document_reader.h"
#include "controller/kube/object_index.h"

namespace portico::kube {
namespace {

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

Decoded decode(std::string_view text, bool as_json) {
  Decoded out;
  Document scratch;
  const auto file = std::make_shared<const std::string>("fuzz");
  if (as_json) {
    decode_json(text, file, scratch, out);
    return out;
  }
  for (const YamlPart& part : split_yaml(text)) {
    decode_yaml(part.text, part.line, file, scratch, out);
  }
  return out;
}

void check(std::string_view text, bool as_json) {
  ObjectIndex index;
  std::vector<Change> changes;
  index.put("fuzz", decode(text, as_json), changes);
  const auto objects = index.objects();
  require(objects.size() == changes.size());
  for (const ObjectPointer& object : objects) {
    require(!metadata(*object).name.empty());
  }
  for (const auto& found : index.diagnostics()) {
    require(!found.message.empty() && found.line >= 0);
  }
  // The same again changes nothing.
  changes.clear();
  index.put("fuzz", decode(text, as_json), changes);
  require(changes.empty());
  index.remove("fuzz", changes);
  require(changes.size() == objects.size() && index.objects().empty());
}

}  // namespace
}  // namespace portico::kube

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  portico::kube::check(text, false);
  portico::kube::check(text, true);
  return 0;
}
