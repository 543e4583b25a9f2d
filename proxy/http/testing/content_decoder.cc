#include "proxy/http/testing/content_decoder.h"

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

namespace portico::http::testing {
namespace {

constexpr std::size_t kPiece = 4096;

std::optional<std::string> decode_gzip(std::string_view coded, bool& whole) {
  z_stream stream{};
  inflateInit2(&stream, MAX_WBITS + 16);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(coded.data()));
  stream.avail_in = static_cast<uInt>(coded.size());
  std::string text;
  char piece[kPiece];
  int result = Z_OK;
  do {
    stream.next_out = reinterpret_cast<Bytef*>(piece);
    stream.avail_out = sizeof piece;
    result = inflate(&stream, Z_SYNC_FLUSH);
    text.append(piece, sizeof piece - stream.avail_out);
  } while (result == Z_OK && stream.avail_out == 0);
  const auto left = stream.avail_in;
  inflateEnd(&stream);
  whole = result == Z_STREAM_END;
  const bool sound = result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR;
  return sound && left == 0 ? std::optional(text) : std::nullopt;
}

std::optional<std::string> decode_brotli(std::string_view coded, bool& whole) {
  auto* const decoder = BrotliDecoderCreateInstance(nullptr, nullptr, nullptr);
  const auto* next = reinterpret_cast<const std::uint8_t*>(coded.data());
  std::size_t left = coded.size();
  std::string text;
  std::uint8_t piece[kPiece];
  auto result = BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT;
  while (result == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT) {
    auto* out = piece;
    std::size_t room = sizeof piece;
    result = BrotliDecoderDecompressStream(decoder, &left, &next, &room, &out, nullptr);
    text.append(reinterpret_cast<const char*>(piece), sizeof piece - room);
  }
  BrotliDecoderDestroyInstance(decoder);
  whole = result == BROTLI_DECODER_RESULT_SUCCESS;
  return result != BROTLI_DECODER_RESULT_ERROR && left == 0 ? std::optional(text) : std::nullopt;
}

std::optional<std::string> decode_zstd(std::string_view coded, bool& whole) {
  auto* const decoder = ZSTD_createDCtx();
  ZSTD_inBuffer in{.src = coded.data(), .size = coded.size(), .pos = 0};
  std::string text;
  char piece[kPiece];
  std::size_t result = 1;
  std::size_t written = sizeof piece;
  while (in.pos < in.size || written == sizeof piece) {
    ZSTD_outBuffer out{.dst = piece, .size = sizeof piece, .pos = 0};
    result = ZSTD_decompressStream(decoder, &out, &in);
    written = out.pos;
    text.append(piece, written);
    if (ZSTD_isError(result) != 0 || result == 0) {
      break;
    }
  }
  ZSTD_freeDCtx(decoder);
  whole = result == 0;
  return ZSTD_isError(result) == 0 && in.pos == in.size ? std::optional(text) : std::nullopt;
}

}  // namespace

std::optional<std::string> decode_content(ContentCoding coding, std::string_view coded,
                                          bool* whole) {
  bool is_whole = false;
  auto& end_seen = whole == nullptr ? is_whole : *whole;
  switch (coding) {
    case ContentCoding::kGzip:
      return decode_gzip(coded, end_seen);
    case ContentCoding::kBrotli:
      return decode_brotli(coded, end_seen);
    case ContentCoding::kZstd:
      return decode_zstd(coded, end_seen);
    case ContentCoding::kIdentity:
      break;
  }
  end_seen = true;
  return std::string(coded);
}

}  // namespace portico::http::testing
