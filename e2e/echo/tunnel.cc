#include "e2e/echo/tunnel.h"

#include <openssl/evp.h>

namespace portico::echo {

namespace {

constexpr std::size_t kPieceBytes = 64 * 1024;
constexpr unsigned char kFinalBit = 0x80;
constexpr unsigned char kMaskBit = 0x80;
constexpr unsigned char kOpcodeClose = 8;
constexpr unsigned char kOpcodePing = 9;
constexpr unsigned char kOpcodePong = 10;

// RFC 6455 4.2.2.
std::string accept_key(std::string_view key) {
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha1(), nullptr);
  unsigned char encoded[2 * EVP_MAX_MD_SIZE];
  const int length = EVP_EncodeBlock(encoded, digest, static_cast<int>(size));
  return {reinterpret_cast<char*>(encoded), static_cast<std::size_t>(length)};
}

std::uint64_t big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const unsigned char byte : bytes) {
    value = value << 8 | byte;
  }
  return value;
}

struct Frame {
  unsigned char opcode = 0;
  unsigned char first_byte = 0;
  std::string payload;
};

bool read_frame(Stream& stream, Frame& frame) {
  std::string head;
  if (!stream.read_exactly(2, head)) {
    return false;
  }
  frame.first_byte = static_cast<unsigned char>(head[0]);
  frame.opcode = frame.first_byte & 0x0f;
  std::uint64_t size = static_cast<unsigned char>(head[1]) & ~kMaskBit;
  std::string extended;
  if (size >= 126 && !stream.read_exactly(size == 126 ? 2 : 8, extended)) {
    return false;
  }
  size = extended.empty() ? size : big_endian(extended);
  std::string mask;
  if ((static_cast<unsigned char>(head[1]) & kMaskBit) != 0 && !stream.read_exactly(4, mask)) {
    return false;
  }
  frame.payload.clear();
  if (!stream.read_exactly(size, frame.payload)) {
    return false;
  }
  for (std::size_t i = 0; i < frame.payload.size() && !mask.empty(); ++i) {
    frame.payload[i] = static_cast<char>(frame.payload[i] ^ mask[i % 4]);
  }
  return true;
}

bool write_frame(Stream& stream, unsigned char first_byte, std::string_view payload) {
  std::string head(1, static_cast<char>(first_byte));
  const std::size_t size = payload.size();
  const int length_bytes = size < 126 ? 0 : size <= 0xffff ? 2 : 8;
  head += static_cast<char>(length_bytes == 0 ? size : length_bytes == 2 ? 126 : 127);
  for (int shift = (length_bytes - 1) * 8; shift >= 0; shift -= 8) {
    head += static_cast<char>(size >> shift & 0xff);
  }
  return stream.write(head) && stream.write(payload);
}

void echo_messages(Stream& stream) {
  Frame frame;
  while (read_frame(stream, frame)) {
    const unsigned char first_byte =
        frame.opcode == kOpcodePing ? kFinalBit | kOpcodePong : frame.first_byte;
    if (!write_frame(stream, first_byte, frame.payload) || frame.opcode == kOpcodeClose) {
      return;
    }
  }
}

void echo_bytes(Stream& stream) {
  for (;;) {
    const auto piece = stream.read_some(kPieceBytes);
    if (piece.empty()) {
      stream.write("bye\n");
      stream.finish_writing();
      return;
    }
    if (!stream.write(piece)) {
      return;
    }
  }
}

}  // namespace

bool wants_tunnel(const Request& request) {
  const auto protocol = request.field("upgrade");
  return equals_ignoring_case(protocol, "websocket") || equals_ignoring_case(protocol, "raw");
}

void run_tunnel(Stream& stream, const Request& request) {
  const bool websocket = equals_ignoring_case(request.field("upgrade"), "websocket");
  std::string head = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ";
  head += websocket ? "websocket\r\nSec-WebSocket-Accept: " +
                          accept_key(request.field("sec-websocket-key"))
                    : "raw";
  if (!stream.write(head + "\r\n\r\n")) {
    return;
  }
  websocket ? echo_messages(stream) : echo_bytes(stream);
}

}  // namespace portico::echo
