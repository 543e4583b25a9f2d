// A Transport without a socket, and the end of it that a test holds.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/net/transport.h"

namespace portico::exchange::testing {

// The far end of a fake Transport; outlives it. What resume_reading() promises "from the loop"
// happens in turn().
class Wire {
 public:
  // The near end, to be made once.
  std::unique_ptr<net::Transport> transport() { return std::make_unique<Near>(*this); }

  // ---- what the peer does
  void receive(std::string_view bytes) {
    if (ended_) {
      return;  // no peer sends behind its end
    }
    unread_.append(bytes);
    if (!paused) {
      offer();
    }
  }
  void end() {
    ended_ = true;
    tell_end();
  }
  void fail(net::TransportError error) {
    if (auto* const sink = std::exchange(sink_, nullptr); sink != nullptr) {
      sink->on_error(error);
    }
  }
  // What the socket did not take leaves.
  void drain() {
    full = false;
    sent_ += kept_.size();
    written += std::exchange(kept_, {});
    finished |= std::exchange(finishing_, false);
    if (std::exchange(blocked_, false) && sink_ != nullptr) {
      sink_->on_drained();
    }
  }
  // The socket takes some of it.
  void drain_some(std::size_t bytes) {
    sent_ += bytes;
    written += kept_.substr(0, bytes);
    kept_.erase(0, bytes);
  }
  // One turn of the loop. False: there was nothing to do.
  bool turn() {
    if (!std::exchange(due_, false)) {
      return false;
    }
    if (!paused) {
      offer();
    }
    tell_end();
    return true;
  }

  // What was written since the last call.
  std::string take() { return std::exchange(written, {}); }
  [[nodiscard]] bool keeps_bytes() const { return !kept_.empty(); }

  bool full = false;      // the socket takes nothing
  std::size_t takes = 0;  // but so many bytes between two looks at what is unsent
  std::string written;
  int writes = 0;
  bool paused = false;
  bool finished = false;  // FIN was sent
  bool closed = false;
  bool reset = false;
  bool lost = false;  // it was closed while bytes were kept
  bool destroyed = false;
  net::TransportInfo info{.peer = *net::SocketAddress::parse("192.0.2.7:40000"),
                          .local = *net::SocketAddress::parse("192.0.2.1:8080")};

 private:
  class Near final : public net::Transport {
   public:
    explicit Near(Wire& wire) : wire_(wire) {}
    ~Near() override {
      wire_.sink_ = nullptr;
      wire_.destroyed = true;
    }
    void start(net::TransportSink& sink) override {
      wire_.sink_ = &sink;
      wire_.end_told_ = false;
      resume_reading();
    }
    void pause_reading() override { wire_.paused = true; }
    void resume_reading() override {
      wire_.paused = false;
      wire_.due_ = wire_.sink_ != nullptr;
    }
    bool write(std::span<const iovec> pieces) override { return wire_.write(pieces); }
    void finish_writing() override {
      (wire_.kept_.empty() ? wire_.finished : wire_.finishing_) = true;
    }
    void close(bool with_reset) override { wire_.close(with_reset); }
    [[nodiscard]] std::uint64_t sent_bytes() const override { return wire_.sent_; }
    [[nodiscard]] std::size_t unsent_bytes() const override {
      wire_.drain_some(std::min(wire_.takes, wire_.kept_.size()));
      return wire_.kept_.size();
    }
    [[nodiscard]] bool has_unread() const override { return !wire_.unread_.empty(); }
    [[nodiscard]] const net::TransportInfo& info() const override { return wire_.info; }

   private:
    Wire& wire_;
  };

  bool write(std::span<const iovec> pieces) {
    if (closed || finished || finishing_) {
      return false;
    }
    ++writes;
    blocked_ |= full;
    for (const iovec& piece : pieces) {
      (blocked_ ? kept_ : written).append(static_cast<const char*>(piece.iov_base), piece.iov_len);
      sent_ += blocked_ ? 0 : piece.iov_len;
    }
    return !blocked_;
  }
  void close(bool with_reset) {
    if (!std::exchange(closed, true)) {
      reset = with_reset;
      lost = !kept_.empty();
      sink_ = nullptr;
    }
  }
  // The sink gets a copy of its own size, so that a sanitizer sees a step beyond it.
  void offer() {
    if (sink_ == nullptr || unread_.empty()) {
      return;
    }
    offered_.assign(unread_.begin(), unread_.end());
    const auto taken = sink_->on_bytes(offered_);
    unread_.erase(0, taken);
  }
  void tell_end() {
    if (sink_ != nullptr && ended_ && !paused && !std::exchange(end_told_, true)) {
      sink_->on_end();
    }
  }

  net::TransportSink* sink_ = nullptr;
  std::string unread_;
  std::vector<char> offered_;
  std::string kept_;
  std::uint64_t sent_ = 0;
  bool blocked_ = false;
  bool finishing_ = false;
  bool due_ = false;
  bool ended_ = false;
  bool end_told_ = false;
};

}  // namespace portico::exchange::testing
