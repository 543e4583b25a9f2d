// Bytes of a client into a whole HTTP/2 connection, with endpoints that answer all they are asked.
// The first byte says how the rest is cut.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/downstream/h2_connection.h"
#include "proxy/exchange/testing/config.h"
#include "proxy/exchange/testing/fake_transport.h"
#include "proxy/exchange/testing/fakes.h"

namespace {

using namespace portico;

struct Play final : downstream::ConnectionOwner {
  Play() { connection->start(); }
  ~Play() {
    if (connection != nullptr) {
      connection->close();
    }
    reaper.free_all();
  }
  void on_closed(downstream::Connection&) override { reaper.take(std::move(connection)); }
  void serve_h2(std::unique_ptr<net::Transport>) override {}

  void receive(std::string_view bytes) {
    wire.receive(bytes);
    while (wire.turn()) {
    }
    worker.run_posted();
    answer();
    worker.run_posted();
    wire.written.clear();
  }
  // Long enough for windows to close, and for the stream to wait.
  void answer() {
    for (; answered < worker.upstreams.streams.size(); ++answered) {
      auto& stream = *worker.upstreams.streams[answered];
      if (stream.released()) {
        continue;
      }
      if (stream.upgrade.empty()) {
        stream.answer(200, std::string(answered % 3 * 40'000, 'x'));
      } else {
        stream.answer_head(101, http::Framing::kNone, 0, "websocket");
      }
    }
  }

  exchange::testing::FakeWorker worker{exchange::testing::ConfigBuilder()
                                           .backend("web", {8001})
                                           .route("a.example", "/", "web", {})
                                           .build()};
  exchange::Reaper reaper{worker.loop};
  downstream::H2Streams streams{worker.context, reaper};
  exchange::testing::Wire wire;
  std::unique_ptr<downstream::H2Connection> connection =
      std::make_unique<downstream::H2Connection>(streams, *this, wire.transport());
  std::size_t answered = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::size_t step = data[0] == 0 ? size : data[0];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  Play play;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    play.receive(bytes.substr(at, step));
  }
  return 0;
}
