#include "proxy/exchange/compressed_body.h"

#include "proxy/exchange/compression_choice.h"

namespace portico::exchange {

using Until = http::Compressor::Until;

void CompressedBody::begin(const routing::CompressionSettings& settings, http::CompressorPool& pool,
                           const http::RequestHead& request, const http::ResponseHead& response,
                           OutgoingResponse& outgoing) {
  const auto choice = choose_compression(settings, request, response);
  outgoing.varies_by_encoding = choice.varies;
  if (choice.coding == http::ContentCoding::kIdentity) {
    return;
  }
  if (!outgoing.to_head) {
    coder_ = pool.lend(choice.coding, choice.level);
    if (!coder_) {
      return;
    }
    outgoing.framing = http::Framing::kChunked;
    outgoing.content_length = 0;
  }
  outgoing.content_encoding = http::coding_name(choice.coding);
  written_bytes_ = 0;
  unflushed_ = false;
}

Flow CompressedBody::write(ServerStream& client, std::span<const char> piece) {
  unflushed_ = true;
  return drive(client, piece, Until::kMoreComes);
}

Flow CompressedBody::flush(ServerStream& client) {
  if (!unflushed_) {
    return Flow::kGo;
  }
  unflushed_ = false;
  return drive(client, {}, Until::kFlushed);
}

void CompressedBody::end(ServerStream& client) {
  drive(client, {}, Until::kEnd);
}

Flow CompressedBody::drive(ServerStream& client, std::span<const char> piece, Until until) {
  char out[16 * 1024];
  Flow flow = Flow::kGo;
  for (bool done = false; !done;) {
    const auto step = (*coder_).step(piece, out, until);
    piece = piece.subspan(step.taken);
    done = step.done;
    if (step.written > 0) {
      written_bytes_ += step.written;
      flow = client.write_body({out, step.written});
    }
  }
  return flow;
}

}  // namespace portico::exchange
