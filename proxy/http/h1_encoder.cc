#include "proxy/http/h1_encoder.h"

#include <cassert>
#include <charconv>
#include <cstring>
#include <initializer_list>
#include <span>

#include "proxy/http/line_scanner.h"
#include "proxy/http/status_text.h"

namespace portico::http {
namespace {

// Of a line that was appended from `begin` on, without its CRLF: one look at the whole costs less
// than one at each part.
[[maybe_unused]] bool is_clean(const std::string& out, std::size_t begin) {
  const char* const end = out.data() + out.size() - 2;
  return find_control(out.data() + begin, end) == end;
}

// One growth and plain copies: several std::string::append cost twice that for pieces this small.
void append(std::string& out, std::initializer_list<std::string_view> pieces) {
  const std::size_t before = out.size();
  std::size_t after = before;
  for (const std::string_view piece : pieces) {
    after += piece.size();
  }
  // libstdc++ 12 passes the capacity for the size where it grows: `after` is what counts.
  out.resize_and_overwrite(after, [&](char* begin, std::size_t) {
    char* to = begin + before;
    for (const std::string_view piece : pieces) {
      if (!piece.empty()) {
        std::memcpy(to, piece.data(), piece.size());
        to += piece.size();
      }
    }
    return after;
  });
}

std::string_view number(std::span<char> buffer, std::uint64_t value, int base) {
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, base);
  return {buffer.data(), static_cast<std::size_t>(result.ptr - buffer.data())};
}

}  // namespace

void HeadWriter::request_line(std::string_view method, std::string_view target) {
  assert(target.find(' ') == std::string_view::npos);
  [[maybe_unused]] const std::size_t begin = out_.size();
  append(out_, {method, " ", target, " HTTP/1.1\r\n"});
  assert(is_clean(out_, begin));
}

void HeadWriter::status_line(std::uint16_t status, std::string_view reason) {
  assert(status >= 100 && status <= 999);
  char digits[5];
  [[maybe_unused]] const std::size_t begin = out_.size();
  append(out_, {"HTTP/1.1 ", number(digits, status, 10), " ",
                reason.empty() ? status_text(status) : reason, "\r\n"});
  assert(is_clean(out_, begin));
}

void HeadWriter::field(std::string_view name, std::string_view value) {
  assert(!name.empty());
  [[maybe_unused]] const std::size_t begin = out_.size();
  append(out_, {name, ": ", value, "\r\n"});
  assert(is_clean(out_, begin));
}

void HeadWriter::number_field(std::string_view name, std::uint64_t value) {
  char digits[20];
  append(out_, {name, ": ", number(digits, value, 10), "\r\n"});
}

void HeadWriter::end() {
  out_.append("\r\n");
}

void append_chunk_header(std::string& out, std::size_t size) {
  assert(size > 0);
  char digits[16];
  append(out, {number(digits, size, 16), "\r\n"});
}

void append_last_chunk(std::string& out, const FieldBlock* trailers) {
  out.append("0\r\n");
  HeadWriter writer(out);
  for (std::size_t i = 0; trailers != nullptr && i < trailers->size(); ++i) {
    const Field field = (*trailers)[i];
    writer.field(field.name, field.value);
  }
  writer.end();
}

}  // namespace portico::http
