#include "proxy/exchange/request_hash.h"

#include <string_view>

#include "proxy/exchange/endpoint_choice.h"
#include "proxy/http/chars.h"
#include "routing/stable_hash.h"

namespace portico::exchange {
namespace {

using Kind = routing::HashKey::Kind;

// The value of `name` in "a=1; b=2" or "a=1&b=2"; as nginx, the name in any case and the first one.
std::string_view value_in(std::string_view list, char separator, std::string_view name) {
  while (!list.empty()) {
    const auto end = list.find(separator);
    auto item = list.substr(0, end);
    list.remove_prefix(end == std::string_view::npos ? list.size() : end + 1);
    while (item.starts_with(' ')) {
      item.remove_prefix(1);
    }
    if (const auto equals = item.find('=');
        equals != std::string_view::npos && http::equals_no_case(item.substr(0, equals), name)) {
      return item.substr(equals + 1);
    }
  }
  return {};
}

// Hashes what it is told, and knows whether that was anything.
class Hasher {
 public:
  void add_text(std::string_view text) { hash_.add(text); }
  void add(std::string_view value) {
    hash_.add(value);
    has_value_ = has_value_ || !value.empty();
  }
  [[nodiscard]] std::optional<std::uint64_t> result() const {
    return has_value_ ? std::optional(hash_.value()) : std::nullopt;
  }

 private:
  routing::StableHash hash_;
  bool has_value_ = false;
};

// One that comes more than once is one list (RFC 9110 5.3).
void add_header(const http::FieldBlock& fields, std::string_view name, Hasher& hasher) {
  const auto id = http::field_id(name);
  bool is_first = true;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const auto field = fields[i];
    if (field.id == id && (id != http::FieldId::kOther || http::equals_no_case(field.name, name))) {
      hasher.add_text(is_first ? "" : ", ");
      hasher.add(field.value);
      is_first = false;
    }
  }
}

void add_piece(const routing::HashKey::Piece& piece, const ChoiceRequest& request, Hasher& hasher) {
  switch (piece.kind) {
    case Kind::kText:
      return hasher.add_text(piece.text);
    case Kind::kClientAddress:
      return hasher.add(request.client.address_text());
    case Kind::kRequestUri:
      return hasher.add(request.head.target);
    case Kind::kUri:
      return hasher.add(request.target.path());
    case Kind::kQuery:
      return hasher.add(request.target.query());
    case Kind::kHost:
      return hasher.add(request.host);
    case Kind::kHostHeader:
      return hasher.add(request.head.authority);
    case Kind::kServerName:
      return hasher.add(request.server_name);
    case Kind::kMethod:
      return hasher.add(request.head.method_text);
    case Kind::kScheme:
      return hasher.add(request.client.https() ? "https" : "http");
    case Kind::kHeader:
      return add_header(request.head.fields, piece.text, hasher);
    case Kind::kCookie:
      if (const auto value = find_cookie(request.head.fields, piece.text)) {
        hasher.add(*value);
      }
      return;
    case Kind::kArgument:
      return hasher.add(value_in(request.target.query(), '&', piece.text));
  }
}

}  // namespace

std::optional<std::string_view> find_cookie(const http::FieldBlock& fields, std::string_view name) {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (const auto field = fields[i]; field.id == http::FieldId::kCookie) {
      if (const auto value = value_in(field.value, ';', name); !value.empty()) {
        return value;
      }
    }
  }
  return std::nullopt;
}

std::optional<std::uint64_t> hash_request(const routing::HashKey& key,
                                          const ChoiceRequest& request) {
  Hasher hasher;
  for (const auto& piece : key.pieces()) {
    add_piece(piece, request, hasher);
  }
  return hasher.result();
}

}  // namespace portico::exchange
