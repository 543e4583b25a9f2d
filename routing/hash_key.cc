#include "routing/hash_key.h"

#include <algorithm>
#include <array>

#include <absl/strings/ascii.h>

namespace portico::routing {
namespace {

using Kind = HashKey::Kind;
using Piece = HashKey::Piece;

struct Named {
  std::string_view name;
  Kind kind;
};
constexpr std::array<Named, 11> kVariables{{{"remote_addr", Kind::kClientAddress},
                                            {"binary_remote_addr", Kind::kClientAddress},
                                            {"request_uri", Kind::kRequestUri},
                                            {"uri", Kind::kUri},
                                            {"args", Kind::kQuery},
                                            {"query_string", Kind::kQuery},
                                            {"host", Kind::kHost},
                                            {"http_host", Kind::kHostHeader},
                                            {"server_name", Kind::kServerName},
                                            {"request_method", Kind::kMethod},
                                            {"scheme", Kind::kScheme}}};
constexpr std::array<Named, 3> kFamilies{
    {{"http_", Kind::kHeader}, {"cookie_", Kind::kCookie}, {"arg_", Kind::kArgument}}};

bool is_of_name(char byte) {
  return absl::ascii_isalnum(static_cast<unsigned char>(byte)) || byte == '_';
}

std::optional<Piece> variable(std::string_view name) {
  if (const auto* known = std::ranges::find(kVariables, name, &Named::name);
      known != kVariables.end()) {
    return Piece{.kind = known->kind, .text = {}};
  }
  for (const auto& [prefix, kind] : kFamilies) {
    if (name.starts_with(prefix) && name.size() > prefix.size()) {
      std::string of(name.substr(prefix.size()));
      if (kind == Kind::kHeader) {
        std::ranges::replace(of, '_', '-');
      }
      return Piece{.kind = kind, .text = std::move(of)};
    }
  }
  return std::nullopt;
}

// Takes the name behind a '$' off `text`, in braces or not; empty where none is there.
bool is_printable(unsigned char byte) {
  return byte >= ' ' && byte != 0x7f;
}

std::string_view take_name(std::string_view& text) {
  const bool in_braces = text.starts_with('{');
  text.remove_prefix(in_braces ? 1 : 0);
  const auto* const end = std::ranges::find_if_not(text, is_of_name);
  const auto name = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(name.size());
  if (in_braces) {
    if (!text.starts_with('}')) {
      return {};
    }
    text.remove_prefix(1);
  }
  return name;
}

}  // namespace

std::optional<HashKey> HashKey::parse(std::string_view text) {
  HashKey key;
  bool has_variable = false;
  if (text.size() > kMaxBytes || !std::ranges::all_of(text, is_printable)) {
    return std::nullopt;
  }
  while (!text.empty()) {
    if (key.pieces_.size() == kMaxPieces) {
      return std::nullopt;
    }
    if (text.front() != '$') {
      const auto plain = text.substr(0, text.find('$'));
      key.pieces_.push_back({.kind = Kind::kText, .text = std::string(plain)});
      text.remove_prefix(plain.size());
      continue;
    }
    text.remove_prefix(1);
    auto piece = variable(take_name(text));
    if (!piece) {
      return std::nullopt;
    }
    key.pieces_.push_back(std::move(*piece));
    has_variable = true;
  }
  return has_variable ? std::optional(std::move(key)) : std::nullopt;
}

}  // namespace portico::routing
