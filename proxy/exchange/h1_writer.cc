#include "proxy/exchange/h1_writer.h"

#include <string_view>

#include "proxy/http/h1_encoder.h"

namespace portico::exchange {
namespace {

iovec piece_of(std::span<const char> bytes) {
  return {const_cast<char*>(bytes.data()), bytes.size()};
}

}  // namespace

bool H1Writer::body(net::Transport& transport, std::span<const char> piece) {
  if (coding_ == Coding::kNone || piece.empty()) {
    return true;
  }
  static constexpr std::string_view kLineEnd = "\r\n";
  const bool chunked = coding_ == Coding::kChunked;
  if (chunked) {
    http::append_chunk_header(held_, piece.size());
  }
  if (held_.size() + piece.size() <= kHoldBytes) {
    held_.append(piece.data(), piece.size());
    held_.append(chunked ? kLineEnd : std::string_view());
    return true;
  }
  const iovec pieces[] = {piece_of(held_), piece_of(piece), piece_of(kLineEnd)};
  const bool all_sent = transport.write({pieces, chunked ? 3U : 2U});
  held_.clear();
  return all_sent;
}

bool H1Writer::flush(net::Transport& transport) {
  if (held_.empty()) {
    return true;
  }
  const iovec piece = piece_of(held_);
  const bool all_sent = transport.write({&piece, 1});
  held_.clear();
  return all_sent;
}

void H1Writer::end(const http::FieldBlock* trailers) {
  if (coding_ == Coding::kChunked) {
    http::append_last_chunk(held_, trailers);
  }
}

}  // namespace portico::exchange
