#include "proxy/http/h1_encoder.h"

#include <algorithm>

#include "proxy/http/line_scanner.h"
#include "proxy/http/status_text.h"

namespace portico::http {
namespace {

// Makes out.size() the room there is. What lies behind the head is indeterminate until end() cuts
// it off: a head is not worth zeroing the room for it.
void take_room(std::string& out, std::size_t bytes) {
  out.resize_and_overwrite(std::max(bytes, out.capacity()),
                           [](char*, std::size_t size) { return size; });
}

[[maybe_unused]] bool are_clean_lines(std::string_view text) {
  LineScanner scanner;
  while (scanner.offset() < text.size()) {
    if (scanner.next(text, text.size() + 1) != LineScanner::Result::kLine) {
      return false;
    }
  }
  return true;
}

}  // namespace

HeadWriter::HeadWriter(std::string& out) : out_(out) {
  constexpr std::size_t kUsualBytes = 1024;
  const std::size_t before = out.size();
  take_room(out, before + kUsualBytes);
  at_ = out.data() + before;
  limit_ = out.data() + out.size();
}

void HeadWriter::grow(std::size_t bytes) {
  const auto before = static_cast<std::size_t>(at_ - out_.data());
  take_room(out_, std::max(before + bytes, 2 * out_.size()));
  at_ = out_.data() + before;
  limit_ = out_.data() + out_.size();
}

void HeadWriter::request_line(std::string_view method, std::string_view target) {
  assert(target.find(' ') == std::string_view::npos);
  constexpr std::string_view kVersion = " HTTP/1.1";
  need(method.size() + target.size() + kVersion.size() + 3);
  const char* const begin = at_;
  put(method);
  put(" ");
  put(target);
  put(kVersion);
  end_line(begin);
}

void HeadWriter::status_line(std::uint16_t status, std::string_view reason) {
  assert(status >= 100 && status <= 999);
  constexpr std::string_view kVersion = "HTTP/1.1 ";
  const std::string_view phrase = reason.empty() ? status_text(status) : reason;
  need(kVersion.size() + phrase.size() + 6);
  const char* const begin = at_;
  put(kVersion);
  *at_++ = static_cast<char>('0' + status / 100);
  *at_++ = static_cast<char>('0' + status / 10 % 10);
  *at_++ = static_cast<char>('0' + status % 10);
  put(" ");
  put(phrase);
  end_line(begin);
}

void HeadWriter::put_lines(std::string_view lines) {
  assert(are_clean_lines(lines));
  need(lines.size());
  put(lines);
}

void HeadWriter::end() {
  need(2);
  put("\r\n");
  out_.resize(static_cast<std::size_t>(at_ - out_.data()));
  ended_ = true;
}

void append_chunk_header(std::string& out, std::size_t size) {
  assert(size > 0);
  char line[18];  // 16 digits and CRLF
  char* end = std::to_chars(line, line + sizeof(line), size, 16).ptr;
  *end++ = '\r';
  *end++ = '\n';
  out.append(line, static_cast<std::size_t>(end - line));
}

void append_last_chunk(std::string& out, const FieldBlock* trailers) {
  if (trailers == nullptr) {
    out.append("0\r\n\r\n");
    return;
  }
  out.append("0\r\n");
  HeadWriter writer(out);
  for (std::size_t i = 0; i < trailers->size(); ++i) {
    const Field field = (*trailers)[i];
    writer.field(field.name, field.value);
  }
  writer.end();
}

}  // namespace portico::http
