#include "proxy/http/chars.h"
#include "proxy/http/message.h"
#include "proxy/http/name_table.h"

namespace portico::http {

FieldId field_id(std::string_view name) {
  if (name.empty()) {
    return FieldId::kOther;
  }
  const FieldId id = names::candidate(name);
  return equals_no_case(name, field_name(id)) ? id : FieldId::kOther;
}

std::string_view field_name(FieldId id) {
  return names::kNames[static_cast<std::size_t>(id)];
}

}  // namespace portico::http
