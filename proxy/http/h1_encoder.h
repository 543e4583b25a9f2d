// HTTP/1 messages into bytes, appended to a string that the caller reuses.
#pragma once

#include <cassert>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/http/message.h"
#include "proxy/http/scan.h"

namespace portico::http {

// Writes one head in one pass: a start line, fields, end().
//
// Inline, since most names and many values are literals: those become plain stores.
//
// Lifetime: refers to `out`, which holds the head only once end() was called; nobody else touches
//           it until then.
// Errors:   none; a byte that could end a line (or any control byte but HTAB) in what it is given
//           is a bug of the caller, who has it from a decoder that refuses such bytes; builds with
//           assertions stop there.
class HeadWriter {
 public:
  explicit HeadWriter(std::string& out);
  HeadWriter(const HeadWriter&) = delete;
  HeadWriter& operator=(const HeadWriter&) = delete;
  ~HeadWriter() { assert(ended_ && "a head has an end()"); }

  void request_line(std::string_view method, std::string_view target);
  void status_line(std::uint16_t status, std::string_view reason);  // empty: the standard phrase
  void field(std::string_view name, std::string_view value);
  void number_field(std::string_view name, std::uint64_t value);
  // The fields of a peer that pass this hop: those that do not end here and for which
  // `is_replaced`, a function of a Field, is false. Lines that came as we write them leave as they
  // are, together where they came together.
  template <typename IsReplaced>
  void received_fields(const FieldBlock& fields, IsReplaced is_replaced);
  void end();

 private:
  static constexpr std::size_t kMaxDigits = 20;

  void need(std::size_t bytes) {
    if (static_cast<std::size_t>(limit_ - at_) < bytes) {
      grow(bytes);
    }
  }
  void grow(std::size_t bytes);
  void put_lines(std::string_view lines);
  void put(std::string_view text) { at_ += text.copy(at_, text.size()); }
  void end_line([[maybe_unused]] const char* begin) {
    assert(find_control(begin, at_) == at_ && "is_clean");
    put("\r\n");
  }

  std::string& out_;
  char* at_;
  char* limit_;
  [[maybe_unused]] bool ended_ = false;
};

inline void HeadWriter::field(std::string_view name, std::string_view value) {
  assert(!name.empty());
  need(name.size() + value.size() + 4);
  [[maybe_unused]] const char* const begin = at_;
  put(name);
  put(": ");
  put(value);
  end_line(begin);
}

inline void HeadWriter::number_field(std::string_view name, std::uint64_t value) {
  need(name.size() + kMaxDigits + 4);
  put(name);
  put(": ");
  at_ = std::to_chars(at_, limit_, value).ptr;
  put("\r\n");
}

template <typename IsReplaced>
void HeadWriter::received_fields(const FieldBlock& fields, IsReplaced is_replaced) {
  const HopByHop hop_by_hop(fields);
  std::string_view lines;  // in a row, not yet written
  const std::size_t size = fields.size();
  for (std::size_t i = 0; i < size; ++i) {
    const Field received = fields[i];
    if (is_replaced(received) || hop_by_hop.contains(received)) {
      continue;
    }
    const std::string_view line = fields.line(i);
    if (!line.empty() && line.data() == lines.data() + lines.size()) {
      lines = {lines.data(), lines.size() + line.size()};
      continue;
    }
    put_lines(lines);
    lines = line;
    if (line.empty()) {
      field(received.name, received.value);
    }
  }
  put_lines(lines);
}

// "<hex size>\r\n"; "\r\n" follows the data. Never for size 0: that would end the body.
void append_chunk_header(std::string& out, std::size_t size);
// The end of a chunked body; `trailers` may be null.
void append_last_chunk(std::string& out, const FieldBlock* trailers);

}  // namespace portico::http
