#include "proxy/net/tls_transport.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "proxy/net/deadline.h"
#include "proxy/net/handshake_turns.h"
#include "proxy/net/loop.h"
#include "proxy/net/readiness.h"
#include "proxy/net/unread_buffer.h"
#include "tls/client_hello.h"
#include "tls/engine.h"

namespace portico::net {

namespace {

using tls::Status;

// Below this a piece is copied beside its neighbours, so that a head and the start of its body are
// one record; above it is sealed from where it lies.
constexpr std::size_t kCopyBelow = 4096;

// What a peer can make us answer by itself (new keys, refused renegotiations) and leave unread; it
// costs the peer as many bytes, and no plaintext that a deadline or a limit would see.
constexpr std::size_t kMostUnreadReplies = std::size_t{16} * 1024;

// Passes on what the engine has to send; the transport below keeps what the socket does not take.
bool send_output(tls::Engine& engine, Transport& below) {
  bool all_sent = true;
  while (!engine.output().empty()) {
    const std::span<const char> output = engine.output();
    const iovec piece{.iov_base = const_cast<char*>(output.data()), .iov_len = output.size()};
    all_sent = below.write({&piece, 1});
    engine.consume_output(output.size());
  }
  return all_sent;
}

// A filter: below it ciphertext comes and goes, above it plaintext. Both sides are the same
// interface.
class TlsTransport final : public Transport, TransportSink {
 public:
  TlsTransport(Loop& loop, std::unique_ptr<Transport> below, std::unique_ptr<tls::Engine> engine)
      : loop_(loop),
        below_(std::move(below)),
        engine_(std::move(engine)),
        tls_{.sni = engine_->sni(),
             .alpn = engine_->alpn(),
             .protocol = engine_->protocol(),
             .cipher = engine_->cipher(),
             .client_certificate = engine_->client_certificate()},
        info_{.peer = below_->info().peer,
              .local = below_->info().local,
              .announced = below_->info().announced,
              .tls = &tls_},
        poster_(
            loop.core(), [](void* self) { static_cast<TlsTransport*>(self)->on_posted(); }, this) {}
  ~TlsTransport() override { mark_destroyed(); }

  void start(TransportSink& sink) override;
  void pause_reading() override;
  void resume_reading() override;
  bool write(std::span<const iovec> pieces) override;
  void finish_writing() override;
  void close(bool reset) override;
  // The engine keeps nothing: what it sealed lies below.
  [[nodiscard]] std::uint64_t sent_bytes() const override { return below_->sent_bytes(); }
  [[nodiscard]] std::size_t unsent_bytes() const override { return below_->unsent_bytes(); }
  [[nodiscard]] bool has_unread() const override {
    return !unread_.empty() || below_->has_unread();
  }
  [[nodiscard]] const TransportInfo& info() const override { return info_; }

 private:
  // From below.
  std::size_t on_bytes(std::span<char> ciphertext) override;
  void on_end() override;
  void on_drained() override;
  void on_error(TransportError error) override;

  void on_posted();
  // Opens what was fed and offers it. False: this is gone or closed.
  bool pump();
  bool offer();
  void seal(std::span<const char> plaintext);
  void tell_end();
  // False: the peer has left too many of our answers unread.
  bool send_reply();
  void fail(std::string_view why);
  void mark_destroyed() {
    if (destroyed_ != nullptr) {
      *std::exchange(destroyed_, nullptr) = true;
    }
  }

  Loop& loop_;
  std::unique_ptr<Transport> below_;
  std::unique_ptr<tls::Engine> engine_;
  TlsInfo tls_;
  TransportInfo info_;
  TransportSink* sink_ = nullptr;
  UnreadBuffer unread_;
  Poster poster_;
  bool* destroyed_ = nullptr;  // while a callback of the sink runs
  TransportError error_ = TransportError::kNone;
  std::size_t unread_replies_ = 0;  // bytes, since the socket was last seen empty
  bool paused_ = false;
  bool awaiting_drain_ = false;
  bool ended_ = false;  // close_notify came
  bool end_told_ = false;
  bool finished_ = false;
};

void TlsTransport::start(TransportSink& sink) {
  sink_ = &sink;
  end_told_ = false;
  paused_ = false;
  poster_.post();
  below_->start(*this);
}

void TlsTransport::pause_reading() {
  paused_ = true;
  below_->pause_reading();
}

void TlsTransport::resume_reading() {
  paused_ = false;
  // The engine may hold plaintext that had no room, and comes first.
  poster_.post();
}

void TlsTransport::on_posted() {
  if (sink_ == nullptr) {
    return;
  }
  if (error_ != TransportError::kNone) {
    std::exchange(sink_, nullptr)->on_error(error_);
    return;
  }
  if (paused_) {
    return;
  }
  bool destroyed = false;
  destroyed_ = &destroyed;
  if (!unread_.empty() && !offer()) {
    return;
  }
  if (!pump()) {
    return;
  }
  destroyed_ = nullptr;
  if (!paused_) {
    below_->resume_reading();
  }
  tell_end();
}

std::size_t TlsTransport::on_bytes(std::span<char> ciphertext) {
  engine_->feed(ciphertext);
  bool destroyed = false;
  destroyed_ = &destroyed;
  if (!pump()) {
    return ciphertext.size();
  }
  destroyed_ = nullptr;
  const std::size_t taken = ciphertext.size() - engine_->unread();
  engine_->feed({});  // the rest lies below, and is offered again
  tell_end();
  return taken;
}

bool TlsTransport::pump() {
  while (!paused_ && !ended_ && sink_ != nullptr && error_ == TransportError::kNone) {
    const std::span<char> room = unread_.prepare(loop_.buffers());
    if (room.empty()) {
      pause_reading();  // it takes none of kMaxUnread bytes: it has to decide
      return true;
    }
    const tls::Progress progress = engine_->read(room);
    const bool is_read = send_reply();
    unread_.commit(progress.bytes);
    if (progress.bytes > 0 && !offer()) {
      return false;
    }
    unread_.release_if_empty();
    ended_ = progress.status == Status::kClosed;
    if (progress.status == Status::kFailed) {
      fail(engine_->failure());
    } else if (!is_read) {
      fail("it asks on and on, and does not read the answers");
    }
    if (progress.status == Status::kWantInput) {
      return true;
    }
  }
  return true;
}

bool TlsTransport::send_reply() {
  const std::size_t reply = engine_->output().size();  // a key update's answer, an alert
  if (!send_output(*engine_, *below_)) {
    unread_replies_ += reply;
  }
  return unread_replies_ <= kMostUnreadReplies;
}

bool TlsTransport::offer() {
  bool& destroyed = *destroyed_;
  return unread_.offer_to(*sink_, [&destroyed] { return !destroyed; });
}

void TlsTransport::tell_end() {
  if (ended_ && !end_told_ && !paused_ && sink_ != nullptr) {
    end_told_ = true;
    sink_->on_end();
  }
}

void TlsTransport::on_end() {
  if (ended_ || sink_ == nullptr) {
    return;
  }
  // FIN without close_notify: cut short by somebody, perhaps not by the peer (RFC 8446 6.1).
  std::exchange(sink_, nullptr)->on_error(TransportError::kReset);
}

void TlsTransport::on_drained() {
  unread_replies_ = 0;
  if (std::exchange(awaiting_drain_, false) && sink_ != nullptr) {
    sink_->on_drained();
  }
}

void TlsTransport::on_error(TransportError error) {
  if (sink_ != nullptr) {
    std::exchange(sink_, nullptr)->on_error(error);
    return;
  }
  error_ = error;
}

void TlsTransport::fail(std::string_view why) {
  tls_.failure = why;
  error_ = TransportError::kTlsFailed;
  poster_.post();
}

bool TlsTransport::write(std::span<const iovec> pieces) {
  if (finished_ || error_ != TransportError::kNone) {
    return false;
  }
  Buffer together;
  std::size_t copied = 0;
  const auto seal_copied = [&] { seal({together.data(), std::exchange(copied, 0)}); };
  for (const iovec& piece : pieces) {
    const std::span<const char> bytes(static_cast<const char*>(piece.iov_base), piece.iov_len);
    if (bytes.size() >= kCopyBelow || pieces.size() == 1) {
      seal_copied();
      seal(bytes);
      continue;
    }
    if (!together) {
      together = loop_.buffers().take_small();
    }
    if (copied + bytes.size() > together.size()) {
      seal_copied();
    }
    std::copy(bytes.begin(), bytes.end(), together.data() + copied);
    copied += bytes.size();
  }
  seal_copied();
  const bool all_sent = send_output(*engine_, *below_);
  awaiting_drain_ = awaiting_drain_ || !all_sent;
  return all_sent && !awaiting_drain_;
}

void TlsTransport::seal(std::span<const char> plaintext) {
  while (!plaintext.empty()) {
    const tls::Progress progress = engine_->write(plaintext);
    plaintext = plaintext.subspan(progress.bytes);
    if (progress.status == Status::kWantOutput) {
      awaiting_drain_ = !send_output(*engine_, *below_) || awaiting_drain_;
      continue;
    }
    if (progress.status != Status::kOk) {
      fail(engine_->failure());
      return;
    }
  }
}

void TlsTransport::finish_writing() {
  if (std::exchange(finished_, true)) {
    return;
  }
  while (engine_->close_notify() == Status::kWantOutput) {
    send_output(*engine_, *below_);
  }
  send_output(*engine_, *below_);
  below_->finish_writing();
}

void TlsTransport::close(bool reset) {
  if (!reset && !finished_) {
    engine_->close_notify();
    send_output(*engine_, *below_);
  }
  finished_ = true;
  mark_destroyed();
  sink_ = nullptr;
  unread_.clear();
  below_->close(reset);
}

}  // namespace

class TlsHandshake::Attempt final : TransportSink, HandshakeTurns::Waiter {
 public:
  Attempt(Loop& loop, std::unique_ptr<Transport> below, std::unique_ptr<tls::Engine> engine,
          std::chrono::milliseconds timeout, Handler done)
      : loop_(loop),
        below_(std::move(below)),
        engine_(std::move(engine)),
        done_(std::move(done)),
        turns_(handshake_turns_of(loop)),
        deadline_(loop, [this] { finish(TransportError::kTimedOut); }),
        poster_(
            loop.core(),
            [](void* self) { static_cast<Attempt*>(self)->finish(TransportError::kTlsFailed); },
            this) {
    deadline_.arm(timeout);
    if (engine_->handshake() == Status::kFailed) {  // a client speaks first
      poster_.post();
      return;
    }
    awaits_hello_ = engine_->output().empty();
    send_output(*engine_, *below_);
    below_->start(*this);
  }

  [[nodiscard]] std::string_view failure() const {
    return engine_ == nullptr ? std::string_view() : engine_->failure();
  }

 private:
  std::size_t on_bytes(std::span<char> ciphertext) override {
    auto fed = ciphertext;
    if (awaits_hello_) {
      const auto bytes = tls::hello_bytes_to_feed(ciphertext);
      if (!bytes) {
        finish(TransportError::kTlsFailed);
        return 0;
      }
      fed = ciphertext.first(*bytes);
      if (fed.empty()) {
        return 0;
      }
      if (!std::exchange(has_turn_, false) && !turns_.take()) {
        turns_.wait(*this);
        below_->pause_reading();
        return 0;
      }
    }
    engine_->feed(fed);
    Status status = engine_->handshake();
    awaits_hello_ = awaits_hello_ &&
                    (engine_->output().empty() || tls::asks_for_another_hello(engine_->output()));
    while (status == Status::kWantOutput) {
      send_output(*engine_, *below_);
      status = engine_->handshake();
    }
    send_output(*engine_, *below_);
    const std::size_t taken = fed.size() - engine_->unread();
    engine_->feed({});
    if (status == Status::kWantInput && fed.size() < ciphertext.size()) {
      below_->resume_reading();  // offers what stands behind the hello
    }
    if (status == Status::kOk) {
      finish(TransportError::kNone);
    } else if (status != Status::kWantInput) {
      finish(TransportError::kTlsFailed);
    }
    return taken;
  }
  void on_end() override { finish(TransportError::kReset); }
  void on_drained() override {}
  void on_error(TransportError error) override { finish(error); }
  void on_turn() override {
    has_turn_ = true;
    below_->resume_reading();
  }

  void finish(TransportError error) {
    deadline_.cancel();
    Handler done = std::move(done_);  // it may destroy this
    if (error == TransportError::kNone) {
      done(std::make_unique<TlsTransport>(loop_, std::move(below_), std::move(engine_)));
      return;
    }
    below_->close();
    done(std::unexpected(error));
  }

  Loop& loop_;
  std::unique_ptr<Transport> below_;
  std::unique_ptr<tls::Engine> engine_;
  Handler done_;
  HandshakeTurns& turns_;
  Deadline deadline_;
  Poster poster_;
  bool has_turn_ = false;
  bool awaits_hello_ = false;  // the dear step, a server's, is still to come
};

TlsHandshake::TlsHandshake(Loop& loop, std::unique_ptr<Transport> below,
                           std::unique_ptr<tls::Engine> engine, std::chrono::milliseconds timeout,
                           Handler done)
    : attempt_(std::make_unique<Attempt>(loop, std::move(below), std::move(engine), timeout,
                                         std::move(done))) {}

TlsHandshake::~TlsHandshake() = default;

std::string_view TlsHandshake::failure() const {
  return attempt_->failure();
}

}  // namespace portico::net
