#include "proxy/http/message.h"

#include <algorithm>
#include <cassert>

#include "proxy/http/assign.h"
#include "proxy/http/chars.h"

namespace portico::http {

void FieldBlock::clear() {
  // One large head must not be kept for ever in each of many reused blocks.
  constexpr std::size_t kKeptBytes = 16 * 1024;
  present_ = 0;
  repeated_ = 0;
  text_.clear();
  if (text_.capacity() > kKeptBytes) {
    text_.shrink_to_fit();
  }
  entries_.clear();
}

void FieldBlock::add(FieldId id, std::string_view name, std::string_view value) {
  constexpr std::uint32_t kSeparator = 2;
  assert(entries_.size() < UINT16_MAX);
  const auto offset = static_cast<std::uint32_t>(text_.size());
  const auto name_size = static_cast<std::uint32_t>(name.size());
  text_.append(name).append(": ").append(value).append("\r\n");
  add_at(id, {.as_written = true,
              .name_offset = offset,
              .name_size = name_size,
              .value_offset = offset + name_size + kSeparator,
              .value_size = static_cast<std::uint32_t>(value.size())});
}

void FieldBlock::set_text(std::string_view section) {
  assert(text_.empty() && "a section is a block of its own");
  assign(text_, section);
}

std::size_t FieldBlock::count_repeated(FieldId id) const {
  return static_cast<std::size_t>(std::ranges::count(entries_, id, &Entry::id));
}

std::size_t FieldBlock::bytes() const {
  std::size_t bytes = 0;
  for (const Entry& entry : entries_) {
    bytes += entry.place.name_size + entry.place.value_size;
  }
  return bytes;
}

Method method_of(std::string_view text) {
  switch (text.size()) {
    case 3:
      return text == "GET" ? Method::kGet : text == "PUT" ? Method::kPut : Method::kOther;
    case 4:
      return text == "POST" ? Method::kPost : text == "HEAD" ? Method::kHead : Method::kOther;
    case 5:
      return text == "PATCH" ? Method::kPatch : text == "TRACE" ? Method::kTrace : Method::kOther;
    case 6:
      return text == "DELETE" ? Method::kDelete : Method::kOther;
    case 7:
      return text == "OPTIONS"   ? Method::kOptions
             : text == "CONNECT" ? Method::kConnect
                                 : Method::kOther;
    default:
      return Method::kOther;
  }
}

void RequestHead::clear() {
  method = Method::kGet;
  clear_and_shrink(method_text);
  clear_and_shrink(target);
  clear_and_shrink(authority);
  version_major = 1;
  version_minor = 1;
  framing = Framing::kNone;
  content_length = 0;
  keep_alive = true;
  expect_continue = false;
  accepts_trailers = false;
  upgrade.clear();
  fields.clear();
}

void ResponseHead::clear() {
  status = 200;
  reason.clear();
  version_minor = 1;
  framing = Framing::kNone;
  content_length = 0;
  keep_alive = true;
  upgrade.clear();
  fields.clear();
}

namespace {

// Known fields carry framing, routing, identity or forwarded facts: a peer cannot have them dropped
// by naming them. The other names are those that authenticating proxies rest on.
bool is_protected(const Field& field) {
  return field.id != FieldId::kOther || starts_with_no_case(field.name, "x-forwarded-") ||
         starts_with_no_case(field.name, "x-original-") ||
         starts_with_no_case(field.name, "x-auth-") ||
         starts_with_no_case(field.name, "ssl-client-") ||
         starts_with_no_case(field.name, "content-") || starts_with_no_case(field.name, "sec-");
}

}  // namespace

bool HopByHop::names_something() const {
  bool found = false;
  for (std::size_t i = 0; i < fields_.size() && !found; ++i) {
    if (fields_[i].id != FieldId::kConnection) {
      continue;
    }
    for_each_element(fields_[i].value, [&found](std::string_view name) {
      found = field_id(name) == FieldId::kOther && !equals_no_case(name, "close");
      return !found;
    });
  }
  return found;
}

bool HopByHop::is_named(const Field& field) const {
  if (is_protected(field)) {
    return false;
  }
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    const Field other = fields_[i];
    if (other.id == FieldId::kConnection && list_contains(other.value, field.name)) {
      return true;
    }
  }
  return false;
}

}  // namespace portico::http
