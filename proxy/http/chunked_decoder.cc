#include "proxy/http/chunked_decoder.h"

#include <algorithm>

#include "proxy/http/chars.h"

namespace portico::http {
namespace {

std::unexpected<ParseError> refuse(std::string_view reason, std::uint16_t status = 400) {
  return std::unexpected(ParseError{.status = status, .reason = reason});
}

int hex_value(char c) {
  if (is_digit(c)) {
    return c - '0';
  }
  const char lower = to_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

constexpr std::string_view kBadSize = "malformed chunk size";
constexpr std::string_view kBadExtension = "malformed chunk extension";

}  // namespace

void ChunkedDecoder::begin(const Limits& limits, FieldSource trailers) {
  limits_ = limits;
  state_ = State::kSizeStart;
  size_ = 0;
  digits_ = 0;
  extension_bytes_ = 0;
  trailer_text_.clear();
  trailer_reader_ = FieldReader(trailers);
  scanner_.reset();
  trailers_.clear();
}

std::expected<std::size_t, ParseError> ChunkedDecoder::feed(std::span<char> bytes,
                                                            MessageSink& sink) {
  std::size_t taken = 0;
  while (taken < bytes.size() && state_ != State::kComplete) {
    if (state_ == State::kData) {
      const auto piece =
          static_cast<std::size_t>(std::min<std::uint64_t>(size_, bytes.size() - taken));
      size_ -= piece;
      if (size_ == 0) {
        state_ = State::kDataCr;
      }
      const std::size_t begin = taken;
      taken += piece;
      sink.on_body(bytes.subspan(begin, piece));
      continue;
    }
    if (state_ == State::kTrailers) {
      const auto rest = bytes.subspan(taken);
      const auto used = feed_trailers({rest.data(), rest.size()});
      if (!used) {
        return used;
      }
      taken += *used;
      continue;
    }
    if (const auto stepped = step(bytes[taken]); !stepped) {
      return std::unexpected(stepped.error());
    }
    ++taken;
  }
  return taken;
}

std::expected<void, ParseError> ChunkedDecoder::step(char c) {
  switch (state_) {
    case State::kSizeStart:
    case State::kSize:
      return step_size(c);
    case State::kSizeLf:
      if (c != '\n') {
        return refuse("bare CR behind a chunk size");
      }
      digits_ = 0;
      state_ = size_ == 0 ? State::kTrailers : State::kData;
      return {};
    case State::kDataCr:
      if (c != '\r') {
        return refuse("chunk data is longer than its size");
      }
      state_ = State::kDataLf;
      return {};
    case State::kDataLf:
      if (c != '\n') {
        return refuse("bare CR behind chunk data");
      }
      state_ = State::kSizeStart;
      return {};
    default:
      return step_extension(c);
  }
}

std::expected<void, ParseError> ChunkedDecoder::step_size(char c) {
  if (const int digit = hex_value(c); digit >= 0) {
    // Leading zeros are legal, but without end they would be a way to send for ever: they count as
    // extensions.
    if (++digits_ > 16 && ++extension_bytes_ > limits_.chunk_extension_bytes) {
      return refuse("chunk size too long");
    }
    if (size_ >> 56 != 0) {
      return refuse("chunk size too large");
    }
    size_ = size_ << 4 | static_cast<std::uint64_t>(digit);
    state_ = State::kSize;
    return {};
  }
  if (state_ == State::kSizeStart) {
    return refuse(kBadSize);
  }
  if (c == '\r') {
    state_ = State::kSizeLf;
    return {};
  }
  if (c != ';') {
    return refuse(kBadSize);
  }
  state_ = State::kExtensionStart;
  return {};
}

// What may stand behind a complete name or value.
bool ChunkedDecoder::end_extension_part(char c) {
  if (c == '\r') {
    state_ = State::kSizeLf;
    return true;
  }
  if (c == ';') {
    state_ = State::kExtensionStart;
    return true;
  }
  return false;
}

// chunk-ext = *( ";" BWS chunk-ext-name [ BWS "=" BWS ( token / quoted-string ) ] BWS )
std::expected<void, ParseError> ChunkedDecoder::step_extension(char c) {
  if (++extension_bytes_ > limits_.chunk_extension_bytes) {
    return refuse("chunk extensions too long");
  }
  switch (state_) {
    case State::kExtensionStart:
      if (is_space(c)) {
        return {};
      }
      state_ = State::kExtensionName;
      return is_token_char(c) ? std::expected<void, ParseError>{} : refuse(kBadExtension);
    case State::kExtensionName:
      if (is_token_char(c)) {
        return {};
      }
      [[fallthrough]];
    case State::kExtensionAfterName:
      if (c == '=') {
        state_ = State::kExtensionValueStart;
        return {};
      }
      if (is_space(c)) {
        state_ = State::kExtensionAfterName;
        return {};
      }
      break;
    case State::kExtensionValueStart:
      if (is_space(c)) {
        return {};
      }
      state_ = c == '"' ? State::kExtensionQuoted : State::kExtensionToken;
      return c == '"' || is_token_char(c) ? std::expected<void, ParseError>{}
                                          : refuse(kBadExtension);
    case State::kExtensionToken:
      if (is_token_char(c)) {
        return {};
      }
      [[fallthrough]];
    case State::kExtensionAfterValue:
      if (is_space(c)) {
        state_ = State::kExtensionAfterValue;
        return {};
      }
      break;
    case State::kExtensionQuoted:
    case State::kExtensionEscape:
      if (is_control(c) && c != '\t') {
        break;
      }
      if (state_ == State::kExtensionQuoted && c == '"') {
        state_ = State::kExtensionAfterValue;
        return {};
      }
      state_ = state_ == State::kExtensionQuoted && c == '\\' ? State::kExtensionEscape
                                                              : State::kExtensionQuoted;
      return {};
    default:
      break;
  }
  const bool in_quotes = state_ == State::kExtensionQuoted || state_ == State::kExtensionEscape;
  if (in_quotes || !end_extension_part(c)) {
    return refuse(kBadExtension);
  }
  return {};
}

// Collects the section until its empty line is there; never more than trailer_bytes of it.
std::expected<std::size_t, ParseError> ChunkedDecoder::feed_trailers(std::string_view bytes) {
  const std::size_t before = trailer_text_.size();
  trailer_text_.append(bytes.substr(0, limits_.trailer_bytes - before));
  const auto size =
      trailer_reader_.read(scanner_, trailer_text_, 0,
                           {.bytes = limits_.trailer_bytes, .lines = limits_.fields}, trailers_);
  if (!size) {
    return size;
  }
  if (*size == 0) {
    return bytes.size();
  }
  state_ = State::kComplete;
  return *size - before;
}

}  // namespace portico::http
