// Chunked bodies read the slow and obvious way, from a whole string: what ChunkedDecoder must agree
// with.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/http/chars.h"
#include "proxy/http/chunked_decoder.h"
#include "proxy/http/testing/decode.h"

namespace portico::http::testing {

struct ChunkedResult {
  enum class Outcome { kIncomplete, kComplete, kRefused };
  Outcome outcome = Outcome::kIncomplete;
  std::string body;       // when complete
  std::size_t taken = 0;  // when complete
  bool operator==(const ChunkedResult&) const = default;
};

inline ChunkedResult decode_chunked(std::string_view input, std::size_t step) {
  ChunkedDecoder decoder;
  decoder.begin(Limits{.fields = 10000}, FieldSource::kRequestTrailer);
  Recorder recorder;
  std::string bytes(input);
  std::size_t taken = 0;
  while (taken < bytes.size() && !decoder.complete()) {
    const auto fed = decoder.feed(
        std::span(bytes).subspan(taken, std::min(step, bytes.size() - taken)), recorder);
    if (!fed) {
      return {.outcome = ChunkedResult::Outcome::kRefused, .body = {}};
    }
    taken += *fed;
  }
  if (!decoder.complete()) {
    return {};
  }
  return {.outcome = ChunkedResult::Outcome::kComplete, .body = recorder.body, .taken = taken};
}

// Reads one line; every check looks at the text from its start again.
class NaiveChunks {
 public:
  explicit NaiveChunks(std::string_view input) : rest_(input), size_(input.size()) {}

  ChunkedResult run() {
    ChunkedResult result;
    try {
      std::string body;
      for (;;) {
        const std::size_t size = read_size();
        if (size == 0) {
          break;
        }
        need(size);
        body += rest_.substr(0, size);
        rest_.remove_prefix(size);
        expect('\r');
        expect('\n');
      }
      read_trailers();
      result = {.outcome = Outcome::kComplete, .body = body, .taken = size_ - rest_.size()};
    } catch (Outcome outcome) {
      result.outcome = outcome;
    }
    return result;
  }

 private:
  using Outcome = ChunkedResult::Outcome;

  void need(std::size_t bytes) const {
    if (rest_.size() < bytes) {
      throw Outcome::kIncomplete;
    }
  }
  [[nodiscard]] char peek() const {
    need(1);
    return rest_.front();
  }
  char take() {
    const char c = peek();
    rest_.remove_prefix(1);
    return c;
  }
  void expect(char wanted) {
    if (take() != wanted) {
      throw Outcome::kRefused;
    }
  }
  void skip_spaces() {
    while (is_space(peek())) {
      take();
    }
  }
  void read_token() {
    if (!is_token_char(peek())) {
      throw Outcome::kRefused;
    }
    while (is_token_char(peek())) {
      take();
    }
  }
  void read_quoted() {
    expect('"');
    for (;;) {
      char c = take();
      if (c == '"') {
        return;
      }
      if (c == '\\') {
        c = take();
      }
      if (is_control(c) && c != '\t') {
        throw Outcome::kRefused;
      }
    }
  }
  std::size_t read_size() {
    std::string digits;
    bool any = false;
    while (std::string_view("0123456789abcdefABCDEF").find(peek()) != std::string_view::npos) {
      any = true;
      digits += take();
      digits.erase(0, digits.find_first_not_of('0'));
      if (digits.size() > 15) {
        throw Outcome::kRefused;
      }
    }
    if (!any) {
      throw Outcome::kRefused;
    }
    while (peek() == ';') {
      take();
      skip_spaces();
      read_token();
      skip_spaces();
      if (peek() == '=') {
        take();
        skip_spaces();
        peek() == '"' ? read_quoted() : read_token();
        skip_spaces();
      }
    }
    expect('\r');
    expect('\n');
    return digits.empty() ? 0 : std::stoull(digits, nullptr, 16);
  }
  void read_trailers() {
    for (;;) {
      std::string line;
      while (peek() != '\r') {
        const char c = take();
        if (is_control(c) && c != '\t') {
          throw Outcome::kRefused;
        }
        line += c;
      }
      expect('\r');
      expect('\n');
      if (line.empty()) {
        return;
      }
      const std::size_t colon = line.find(':');
      if (colon == std::string::npos ||
          !is_good_trailer(line.substr(0, colon), line.substr(colon + 1))) {
        throw Outcome::kRefused;
      }
    }
  }
  static bool is_good_trailer(std::string name, std::string_view value) {
    if (!is_token(name)) {  // so it begins with no space either
      return false;
    }
    std::transform(name.begin(), name.end(), name.begin(), to_lower);
    if (name == "connection" || name == "proxy-connection") {
      std::string element;
      for (const char c : std::string(value) + ",") {
        if (c != ',') {
          element += c;
        } else if (const auto text = trim(element); !text.empty() && !is_token(text)) {
          return false;
        } else {
          element.clear();
        }
      }
    }
    return name != "content-length" && name != "transfer-encoding";
  }

  std::string_view rest_;
  std::size_t size_;
};

inline ChunkedResult decode_chunked_naively(std::string_view input) {
  return NaiveChunks(input).run();
}

}  // namespace portico::http::testing
