#include "proxy/exchange/compression_choice.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "proxy/http/chars.h"
#include "proxy/http/rules.h"

namespace portico::exchange {
namespace {

using http::ContentCoding;
using http::equals_no_case;
using http::FieldBlock;

// Calls `visit` with the value of every field of that name until it returns false.
template <typename Visit>
void for_each_value(const FieldBlock& fields, std::string_view name, Visit visit) {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const auto field = fields[i];
    if (equals_no_case(field.name, name) && !visit(field.value)) {
      return;
    }
  }
}

bool has(const FieldBlock& fields, std::string_view name) {
  bool found = false;
  for_each_value(fields, name, [&found](std::string_view) {
    found = true;
    return false;
  });
  return found;
}

bool lists(const FieldBlock& fields, std::string_view name, std::string_view element) {
  bool found = false;
  for_each_value(fields, name, [&](std::string_view value) {
    found = http::list_contains(value, element);
    return !found;
  });
  return found;
}

// ---- what the client takes

constexpr int kWhole = 1000;  // q=1, in thousandths

// RFC 9110 12.4.2; what is no weight is none at all.
int parse_weight(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1') ||
      (text.size() > 1 && text[1] != '.')) {
    return 0;
  }
  int weight = (text[0] - '0') * kWhole;
  int place = kWhole / 10;
  for (const char c : text.substr(std::min<std::size_t>(2, text.size()))) {
    if (!http::is_digit(c)) {
      return 0;
    }
    weight += (c - '0') * place;
    place /= 10;
  }
  return weight <= kWhole ? weight : 0;
}

// Of "gzip;q=0.5": the name, and the weight.
std::pair<std::string_view, int> parse_element(std::string_view element) {
  const auto semicolon = element.find(';');
  const auto name = http::trim(element.substr(0, semicolon));
  if (semicolon == std::string_view::npos) {
    return {name, kWhole};
  }
  const auto parameter = http::trim(element.substr(semicolon + 1));
  const bool is_weight = http::starts_with_no_case(parameter, "q=");
  return {name, is_weight ? parse_weight(parameter.substr(2)) : 0};
}

std::optional<ContentCoding> coding_of(std::string_view name) {
  if (equals_no_case(name, "gzip") || equals_no_case(name, "x-gzip")) {
    return ContentCoding::kGzip;
  }
  for (const auto coding : {ContentCoding::kBrotli, ContentCoding::kZstd}) {
    if (equals_no_case(name, http::coding_name(coding))) {
      return coding;
    }
  }
  return equals_no_case(name, "identity") ? std::optional(ContentCoding::kIdentity) : std::nullopt;
}

class Accepted {
 public:
  explicit Accepted(const FieldBlock& fields) {
    for_each_value(fields, "Accept-Encoding", [this](std::string_view list) {
      http::for_each_element(list, [this](std::string_view element) {
        const auto [name, weight] = parse_element(element);
        if (name == "*") {
          any_ = weight;
        } else if (const auto coding = coding_of(name)) {
          weights_[static_cast<std::size_t>(*coding)] = weight;
        }
        return true;
      });
      return true;
    });
  }

  [[nodiscard]] int weight(ContentCoding coding) const {
    return weights_[static_cast<std::size_t>(coding)].value_or(any_.value_or(0));
  }

 private:
  std::array<std::optional<int>, http::kContentCodings> weights_;
  std::optional<int> any_;
};

// ---- what the answer allows

bool has_body(const http::RequestHead& request, const http::ResponseHead& response) {
  switch (response.status) {
    case 204:
    case 205:
    case 206:
    case 226:
    case 304:
      return false;
    default:
      return response.status >= 200 &&
             (request.method == http::Method::kHead || response.framing != http::Framing::kNone);
  }
}

bool may_be_transformed(const http::RequestHead& request, const http::ResponseHead& response) {
  return !has(response.fields, "Content-Encoding") && !has(response.fields, "Content-Range") &&
         !lists(response.fields, "Cache-Control", "no-transform") &&
         !lists(request.fields, "Cache-Control", "no-transform");
}

// Nothing is left to gain, and gRPC has a coding of its own.
bool is_packed(std::string_view type) {
  static constexpr std::array<std::string_view, 5> kBitmaps{
      "image/svg+xml", "image/x-icon", "image/vnd.microsoft.icon", "image/bmp", "image/x-ms-bmp"};
  static constexpr std::array<std::string_view, 16> kPacked{
      "image/",
      "video/",
      "audio/",
      "font/woff",
      "application/font-woff",
      "application/gzip",
      "application/x-gzip",
      "application/zip",
      "application/zstd",
      "application/x-7z-compressed",
      "application/x-bzip",
      "application/x-rar",
      "application/vnd.rar",
      "application/x-xz",
      "application/java-archive",
      "application/grpc",
  };
  return std::ranges::none_of(
             kBitmaps, [type](std::string_view known) { return equals_no_case(type, known); }) &&
         std::ranges::any_of(kPacked, [type](std::string_view prefix) {
           return http::starts_with_no_case(type, prefix);
         });
}

bool is_listed(const std::vector<std::string>& types, std::string_view type) {
  return equals_no_case(type, "text/html") || std::ranges::any_of(types, [type](const auto& known) {
           return known == "*" || equals_no_case(type, known);
         });
}

std::string_view media_type(const FieldBlock& fields) {
  const auto value = fields.find(http::FieldId::kContentType).value_or(std::string_view());
  return http::trim(value.substr(0, value.find(';')));
}

bool is_long_enough(const FieldBlock& fields, std::uint64_t least) {
  const auto text = fields.find(http::FieldId::kContentLength);
  const auto length = text ? http::parse_content_length(*text) : std::nullopt;
  return !length || (*length >= least && *length > 0);
}

}  // namespace

CompressionChoice choose_compression(const routing::CompressionSettings& settings,
                                     const http::RequestHead& request,
                                     const http::ResponseHead& response) {
  const auto type = media_type(response.fields);
  if (!settings.any() || !has_body(request, response) || type.empty() || is_packed(type) ||
      !may_be_transformed(request, response)) {
    return {};
  }
  const Accepted accepted(request.fields);
  const bool can_be_framed = request.version_minor > 0;  // without its length
  CompressionChoice choice;
  int best = 0;
  const auto consider = [&](ContentCoding coding, const routing::CodingSettings& by) {
    if (!by.enabled || !is_listed(by.types, type) ||
        !is_long_enough(response.fields, by.min_length_bytes)) {
      return;
    }
    choice.varies = true;
    const int weight = accepted.weight(coding);
    if (can_be_framed && weight > best) {
      best = weight;
      choice.coding = coding;
      choice.level = by.level;
    }
  };
  consider(ContentCoding::kZstd, settings.zstd);
  consider(ContentCoding::kBrotli, settings.brotli);
  consider(ContentCoding::kGzip, settings.gzip);
  if (accepted.weight(ContentCoding::kIdentity) > best) {
    return {.varies = choice.varies};
  }
  return choice;
}

std::string weak_etag(const FieldBlock& fields) {
  std::string weak;
  for_each_value(fields, "ETag", [&weak](std::string_view etag) {
    if (etag.starts_with("W/\"") || etag.starts_with('"')) {
      weak.assign(etag.starts_with('W') ? "" : "W/").append(etag);
    }
    return false;
  });
  return weak;
}

bool is_of_plain_body(std::string_view name) {
  static constexpr std::array<std::string_view, 6> kNames{
      "ETag", "Accept-Ranges", "Content-MD5", "Digest", "Content-Digest", "Repr-Digest"};
  return std::ranges::any_of(
      kNames, [name](std::string_view known) { return equals_no_case(name, known); });
}

bool varies_by_encoding(const FieldBlock& fields) {
  return lists(fields, "Vary", "Accept-Encoding") || lists(fields, "Vary", "*");
}

}  // namespace portico::exchange
