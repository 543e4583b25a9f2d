#include "proxy/http/message.h"

#include <cassert>

#include "proxy/http/chars.h"

namespace portico::http {

void FieldBlock::clear() {
  // One large head must not be kept for ever in each of many reused blocks.
  constexpr std::size_t kKeptBytes = 16 * 1024;
  present_ = 0;
  text_.clear();
  if (text_.capacity() > kKeptBytes) {
    text_.shrink_to_fit();
  }
  entries_.clear();
}

void FieldBlock::add(FieldId id, std::string_view name, std::string_view value) {
  const auto index = static_cast<std::size_t>(id);
  const std::uint64_t bit = std::uint64_t{1} << index;
  assert(entries_.size() < UINT16_MAX);
  if ((present_ & bit) == 0) {
    present_ |= bit;
    first_[index] = static_cast<std::uint16_t>(entries_.size());
    count_[index] = 0;
  }
  ++count_[index];
  const auto name_offset = static_cast<std::uint32_t>(text_.size());
  text_.append(name);
  text_.append(value);
  entries_.push_back({.id = id,
                      .name_offset = name_offset,
                      .name_size = static_cast<std::uint32_t>(name.size()),
                      .value_offset = name_offset + static_cast<std::uint32_t>(name.size()),
                      .value_size = static_cast<std::uint32_t>(value.size())});
}

std::size_t FieldBlock::size() const {
  return entries_.size();
}

Field FieldBlock::operator[](std::size_t index) const {
  const Entry& entry = entries_[index];
  const std::string_view text = text_;
  return {.id = entry.id,
          .name = text.substr(entry.name_offset, entry.name_size),
          .value = text.substr(entry.value_offset, entry.value_size)};
}

std::optional<std::string_view> FieldBlock::find(FieldId id) const {
  const auto index = static_cast<std::size_t>(id);
  if ((present_ >> index & 1) == 0) {
    return std::nullopt;
  }
  return (*this)[first_[index]].value;
}

std::size_t FieldBlock::count(FieldId id) const {
  const auto index = static_cast<std::size_t>(id);
  return (present_ >> index & 1) == 0 ? 0 : count_[index];
}

std::size_t FieldBlock::bytes() const {
  return text_.size();
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
  method_text.clear();
  target.clear();
  authority.clear();
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

// Ends at this hop whatever Connection says.
bool is_always_hop_by_hop(FieldId id) {
  switch (id) {
    case FieldId::kConnection:
    case FieldId::kHttp2Settings:
    case FieldId::kKeepAlive:
    case FieldId::kProxy:  // httpoxy: a CGI backend would take it for its outgoing proxy
    case FieldId::kProxyAuthenticate:
    case FieldId::kProxyAuthorization:
    case FieldId::kProxyConnection:
    case FieldId::kTe:
    case FieldId::kTrailer:
    case FieldId::kTransferEncoding:
    case FieldId::kUpgrade:
      return true;
    default:
      return false;
  }
}

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

HopByHop::HopByHop(const FieldBlock& fields) : fields_(fields) {
  if (fields.count(FieldId::kConnection) == 0) {
    return;
  }
  for (std::size_t i = 0; i < fields.size() && !named_; ++i) {
    const Field field = fields[i];
    if (field.id != FieldId::kConnection) {
      continue;
    }
    for_each_element(field.value, [this](std::string_view name) {
      named_ = field_id(name) == FieldId::kOther && !equals_no_case(name, "close");
      return !named_;
    });
  }
}

bool HopByHop::contains(const Field& field) const {
  if (is_always_hop_by_hop(field.id)) {
    return true;
  }
  return named_ && !is_protected(field) && is_named(field.name);
}

bool HopByHop::is_named(std::string_view name) const {
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    const Field field = fields_[i];
    if (field.id == FieldId::kConnection && list_contains(field.value, name)) {
      return true;
    }
  }
  return false;
}

}  // namespace portico::http
