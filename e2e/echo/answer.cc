#include "e2e/echo/answer.h"

#include <algorithm>
#include <map>
#include <poll.h>
#include <vector>

#include <fmt/format.h>

namespace portico::echo {

namespace {

constexpr std::size_t kPieceBytes = 64 * 1024;

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const unsigned char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c < 0x20 || c >= 0x7f) {
      out += fmt::format("\\u{:04x}", c);
    } else {
      out += static_cast<char>(c);
    }
  }
  return out + '"';
}

// Go's http.Header as JSON: canonical names, each with the list of its values.
std::string canonical(std::string_view name) {
  std::string out(name);
  bool upper = true;
  for (char& c : out) {
    c = static_cast<char>(upper ? std::toupper(c) : std::tolower(c));
    upper = c == '-';
  }
  return out;
}

std::string headers_json(const Request& request) {
  std::map<std::string, std::string> values;
  for (const auto& [name, value] : request.fields) {
    if (equals_ignoring_case(name, "host")) {
      continue;
    }
    std::string& list = values[canonical(name)];
    list += (list.empty() ? "" : ",") + quoted(value);
  }
  std::string out;
  for (const auto& [name, list] : values) {
    out += fmt::format("{}{}:[{}]", out.empty() ? "" : ",", quoted(name), list);
  }
  return "{" + out + "}";
}

void wait(std::uint64_t milliseconds) {
  if (milliseconds > 0) {
    ::poll(nullptr, 0, static_cast<int>(milliseconds));
  }
}

enum class BodyFraming : std::uint8_t { kNone, kLength, kChunked, kUntilClose };

BodyFraming framing_of(const Request& request, std::uint64_t status) {
  if (status == 204 || status == 304) {
    return BodyFraming::kNone;
  }
  if (request.option("until_close")) {
    return BodyFraming::kUntilClose;
  }
  return request.option("chunked") || request.option("trailers") ? BodyFraming::kChunked
                                                                 : BodyFraming::kLength;
}

std::string head_of(const Request& request, const Answer& answer, std::uint64_t status,
                    BodyFraming framing, std::uint64_t bytes, bool closes) {
  std::string head = fmt::format("HTTP/1.1 {} Echo\r\nContent-Type: {}\r\nServer: echo\r\n", status,
                                 request.option("type").value_or(answer.content_type));
  if (framing == BodyFraming::kLength) {
    head += fmt::format("Content-Length: {}\r\n", bytes);
  } else if (framing == BodyFraming::kChunked) {
    head += "Transfer-Encoding: chunked\r\n";
    head += request.option("trailers") ? "Trailer: X-Checksum\r\n" : "";
  }
  if (const auto extra = request.option("header")) {
    head += *extra + "\r\n";
  }
  return head + (closes ? "Connection: close\r\n\r\n" : "\r\n");
}

// The body of ?bytes=: one block of the pattern is made, and pieces are views into it.
class Pattern {
 public:
  Pattern() : block_(kPieceBytes + kPeriod, '\0') {
    for (std::size_t i = 0; i < block_.size(); ++i) {
      block_[i] = static_cast<char>(i % kPeriod);
    }
  }
  [[nodiscard]] std::string_view at(std::uint64_t offset, std::size_t bytes) const {
    return std::string_view(block_).substr(offset % kPeriod, bytes);
  }

 private:
  static constexpr std::size_t kPeriod = 251;
  std::string block_;
};

bool send_piece(Stream& stream, std::string_view piece, BodyFraming framing) {
  if (framing != BodyFraming::kChunked) {
    return stream.write(piece);
  }
  return stream.write(fmt::format("{:x}\r\n{}\r\n", piece.size(), piece));
}

bool send_body(Stream& stream, const Request& request, const Answer& answer, BodyFraming framing,
               std::uint64_t bytes) {
  static const Pattern kPattern;
  const bool from_pattern = request.option("bytes").has_value();
  const std::uint64_t end = request.option("cut") ? bytes / 2 : bytes;
  const std::uint64_t piece_delay = request.number("piece_delay_ms", 0);
  for (std::uint64_t offset = 0; offset < end;) {
    const std::size_t size = std::min<std::uint64_t>(kPieceBytes, end - offset);
    const auto piece = from_pattern ? kPattern.at(offset, size)
                                    : std::string_view(answer.body).substr(offset, size);
    if (!send_piece(stream, piece, framing)) {
      return false;
    }
    offset += size;
    wait(piece_delay);
  }
  if (end != bytes) {
    return false;
  }
  const bool trailers = request.option("trailers").has_value();
  return framing != BodyFraming::kChunked ||
         stream.write(trailers ? "0\r\nX-Checksum: 1234\r\n\r\n" : "0\r\n\r\n");
}

}  // namespace

std::string describe(const Request& request, const Identity& identity, const BodyFacts& body,
                     const std::string& remote) {
  return fmt::format(
      "{{\"path\":{},\"host\":{},\"method\":{},\"proto\":{},\"headers\":{},\"namespace\":{},"
      "\"ingress\":{},"
      "\"service\":{},\"pod\":{},\"body_bytes\":{},\"body_crc32\":{},\"remote\":{}}}\n",
      quoted(request.target), quoted(request.field("host")), quoted(request.method),
      quoted(request.protocol), headers_json(request), quoted(identity.namespace_),
      quoted(identity.ingress), quoted(identity.service), quoted(identity.pod), body.bytes,
      body.crc32, quoted(remote));
}

bool send_answer(Stream& stream, const Request& request, const Answer& answer) {
  wait(request.number("delay_ms", 0));
  if (request.option("hints") &&
      !stream.write("HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n")) {
    return false;
  }
  const std::uint64_t status = request.number("status", 200);
  const BodyFraming framing = framing_of(request, status);
  const std::uint64_t bytes = request.number("bytes", answer.body.size());
  const bool closes = request.option("close") || framing == BodyFraming::kUntilClose ||
                      equals_ignoring_case(request.field("connection"), "close");
  bool sent = stream.write(head_of(request, answer, status, framing, bytes, closes));
  if (sent && framing != BodyFraming::kNone && request.method != "HEAD") {
    sent = send_body(stream, request, answer, framing, bytes);
  }
  return sent && !closes;
}

}  // namespace portico::echo
