// Runs decoders over whole inputs cut in any way, and says in text all that they found: for tests
// and fuzz targets.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/http/h1_decoder.h"
#include "proxy/http/message.h"

namespace portico::http::testing {

struct Decoded {
  std::uint16_t status = 0;  // of the refusal; 0: nothing was refused
  std::string reason;
  std::vector<RequestHead> requests;    // heads, in order
  std::vector<ResponseHead> responses;  // the interim ones and the final one
  std::vector<std::string> bodies;      // of those messages whose end was reached
  std::string transcript;               // everything, for comparison
  std::string rest;                     // not taken
};

class Recorder final : public MessageSink {
 public:
  void on_body(std::span<char> piece) override { body.append(piece.data(), piece.size()); }
  void on_message_end(const FieldBlock* fields) override {
    ended = true;
    for (std::size_t i = 0; fields != nullptr && i < fields->size(); ++i) {
      const Field field = (*fields)[i];
      trailers.append(field.name).append(": ").append(field.value).append("\n");
    }
  }
  std::string body;
  std::string trailers;
  bool ended = false;
};

inline void describe(const FieldBlock& fields, std::string& out) {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const Field field = fields[i];
    out.append("  ").append(field.name).append(": ").append(field.value).append("\n");
  }
}

inline std::string describe(const RequestHead& head) {
  std::string out = "request " + head.method_text + " [" + head.target + "] [" + head.authority +
                    "] 1." + std::to_string(head.version_minor) + " framing " +
                    std::to_string(static_cast<int>(head.framing)) + " " +
                    std::to_string(head.content_length) + (head.keep_alive ? " keep" : " close") +
                    (head.expect_continue ? " expect" : "") +
                    (head.accepts_trailers ? " trailers" : "") + " upgrade[" + head.upgrade + "]\n";
  describe(head.fields, out);
  return out;
}

inline std::string describe(const ResponseHead& head) {
  std::string out = "answer " + std::to_string(head.status) + " [" + head.reason + "] 1." +
                    std::to_string(head.version_minor) + " framing " +
                    std::to_string(static_cast<int>(head.framing)) + " " +
                    std::to_string(head.content_length) + (head.keep_alive ? " keep" : " close") +
                    " upgrade[" + head.upgrade + "]\n";
  describe(head.fields, out);
  return out;
}

// Feeds `input` in steps that end at `cuts` (ascending) and at its end.
template <typename Decoder, typename OnHead, typename GoesOn>
void decode(Decoder& decoder, std::string_view input, std::vector<std::size_t> cuts, Decoded& out,
            OnHead on_head, GoesOn goes_on) {
  std::string bytes(input);
  cuts.push_back(bytes.size());
  std::size_t offset = 0;
  bool in_body = false;
  Recorder recorder;
  const auto fail = [&](const ParseError& error) {
    out.status = error.status;
    out.reason = error.reason;
    // Bytes of a body that was refused later may have been passed on already: how many depends on
    // the cuts.
    out.transcript += "refused " + std::to_string(error.status) + " " + out.reason + "\n";
  };
  for (const std::size_t cut : cuts) {
    for (bool more = true; more;) {
      const std::span<char> available(bytes.data() + offset, cut - offset);
      const auto taken =
          in_body ? decoder.feed_body(available, recorder) : decoder.feed_head(available);
      if (!taken) {
        fail(taken.error());
        return;
      }
      offset += *taken;
      more = false;
      if (!in_body && *taken > 0) {
        in_body = true;
        on_head(decoder.head());
        more = true;
      }
      if (in_body && decoder.message_complete()) {
        out.bodies.push_back(recorder.body);
        out.transcript += "body " + recorder.body + "\ntrailers " + recorder.trailers +
                          (recorder.ended ? "end\n" : "no body\n");
        recorder = Recorder{};
        in_body = false;
        if (!goes_on(decoder.head())) {
          out.rest = bytes.substr(offset);
          return;
        }
        decoder.next_message();
        more = true;
      }
    }
  }
  if (in_body) {
    out.transcript += "unfinished body " + recorder.body + "\n";
  }
  out.rest = bytes.substr(offset);
}

inline Decoded decode_requests(std::string_view input, std::vector<std::size_t> cuts = {},
                               const Limits& limits = {}) {
  RequestDecoder decoder(limits);
  Decoded out;
  decode(
      decoder, input, std::move(cuts), out,
      [&](const RequestHead& head) {
        out.transcript += describe(head);
        out.requests.push_back(head);
      },
      [](const RequestHead&) { return true; });
  return out;
}

inline Decoded decode_answer(std::string_view input, Method asked = Method::kGet,
                             std::vector<std::size_t> cuts = {}, const Limits& limits = {}) {
  ResponseDecoder decoder(limits);
  decoder.expect_answer_to(asked);
  Decoded out;
  decode(
      decoder, input, std::move(cuts), out,
      [&](const ResponseHead& head) {
        out.transcript += describe(head);
        out.responses.push_back(head);
      },
      [](const ResponseHead& head) { return head.status / 100 == 1 && head.status != 101; });
  return out;
}

// Every position of a cut, and a cut behind every byte.
template <typename DecodeWith>
void for_each_split(std::size_t size, DecodeWith decode_with) {
  std::vector<std::size_t> every;
  for (std::size_t cut = 1; cut < size; ++cut) {
    decode_with(std::vector<std::size_t>{cut});
    every.push_back(cut);
  }
  decode_with(every);
}

}  // namespace portico::http::testing
