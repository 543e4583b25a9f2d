#include "proxy/http/field_reader.h"

#include "proxy/http/name_table.h"
#include "proxy/http/rules.h"
#include "proxy/http/scan.h"

namespace portico::http {
namespace {

constexpr FieldSet kLists(FieldId::kConnection, FieldId::kProxyConnection);
constexpr FieldSet kFramingFields(FieldId::kContentLength, FieldId::kTransferEncoding);

bool is_token_list(std::string_view list) {
  bool good = true;
  for_each_element(list, [&good](std::string_view element) {
    good = is_token(element);
    return good;
  });
  return good;
}

// Nearly every line: a space behind the colon, then a value that neither begins nor ends with one.
// Behind `end` stands CR; besides HTAB that is the only byte below a space here.
bool has_one_space(const char* begin, const char* end) {
  const auto is_visible = [](char c) { return static_cast<unsigned char>(c) > ' '; };
  return begin[0] == ' ' && is_visible(begin[1]) && is_visible(end[-1]);
}

void trim_value(const char*& begin, const char*& end) {
  while (is_space(*begin)) {
    ++begin;
  }
  while (end > begin && is_space(end[-1])) {
    --end;
  }
}

}  // namespace

std::expected<std::size_t, ParseError> FieldReader::read(LineScanner& given_scanner,
                                                         std::string_view bytes, std::size_t begin,
                                                         const Bounds& bounds, FieldBlock& fields) {
  const auto refuse = [&fields](std::string_view reason, std::uint16_t status = 400) {
    fields.clear();  // places without a text
    return std::unexpected(ParseError{.status = status, .reason = reason});
  };
  LineScanner scanner = given_scanner;
  const char* const end = bytes.data() + bytes.size();
  for (;;) {
    switch (scanner.next(bytes, bounds.bytes)) {
      case LineScanner::Result::kMore:
        given_scanner = scanner;
        return 0;
      case LineScanner::Result::kBadByte:
        return refuse(scanner.reason());
      case LineScanner::Result::kTooLong:
        return refuse(is_trailer() ? "trailers too long" : "head too large", 431);
      case LineScanner::Result::kLine:
        break;
    }
    const std::string_view line = scanner.line();
    const auto offset = static_cast<std::size_t>(line.data() - bytes.data());
    if (line.empty()) {
      fields.set_text({bytes.data() + begin, offset - begin});
      return scanner.offset();
    }
    if (++lines_ > bounds.lines) {
      return refuse(is_trailer() ? "too many trailers" : "too many fields", 431);
    }
    const Verdict verdict = take_line(line, offset - begin, end, fields);
    if (verdict != Verdict::kFine) {
      return refuse(reason_of(verdict, line));
    }
  }
}

// `line` is followed by CRLF, which stops every loop here: neither is a byte of a name, nor a
// space.
FieldReader::Verdict FieldReader::take_line(std::string_view line, std::size_t offset,
                                            const char* end, FieldBlock& fields) const {
  const char* const begin = line.data();
  const ScannedName scanned = scan_name(begin, end);
  const std::string_view name(begin, scanned.size);
  if (name.empty() || begin[name.size()] != ':') {
    return Verdict::kBadName;
  }
  const char* value_begin = begin + name.size() + 1;
  const char* value_end = begin + line.size();
  const bool as_written = has_one_space(value_begin, value_end);
  if (as_written) {
    ++value_begin;
  } else {
    trim_value(value_begin, value_end);
  }
  const std::string_view value(value_begin, static_cast<std::size_t>(value_end - value_begin));

  const FieldId id = scanned.plain ? names::id_of_plain(name, end) : field_id(name);
  if (!scanned.plain && is_request() && name.find('_') != std::string_view::npos) {
    return Verdict::kFine;
  }
  if (kLists.contains(id) && !is_token_list(value)) {
    return Verdict::kBadList;
  }
  if (is_trailer()) {
    if (kFramingFields.contains(id)) {
      return Verdict::kFraming;
    }
    if (is_forbidden_trailer({.id = id, .name = name, .value = value})) {
      return Verdict::kFine;
    }
  }
  fields.add_at(id, {.as_written = as_written,
                     .name_offset = static_cast<std::uint32_t>(offset),
                     .name_size = static_cast<std::uint32_t>(name.size()),
                     .value_offset = static_cast<std::uint32_t>(offset + (value_begin - begin)),
                     .value_size = static_cast<std::uint32_t>(value.size())});
  return Verdict::kFine;
}

std::string_view FieldReader::reason_of(Verdict verdict, std::string_view line) {
  switch (verdict) {
    case Verdict::kBadList:
      return "malformed Connection";
    case Verdict::kFraming:
      return "a trailer that names framing";
    default:
      return is_space(line.front()) ? "folded field line, or a space before the first"
                                    : "malformed field name";
  }
}

}  // namespace portico::http
