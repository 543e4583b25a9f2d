// A backend's HTTP/2 connection (RFC 9113): lent to many exchanges at once, a stream each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "proxy/exchange/config.h"
#include "proxy/exchange/options.h"
#include "proxy/exchange/reaper.h"
#include "proxy/exchange/stream.h"
#include "proxy/http/h2_session.h"
#include "proxy/net/deadline.h"
#include "proxy/net/loop.h"
#include "proxy/net/readiness.h"
#include "proxy/net/transport.h"
#include "proxy/upstream/connection_place.h"
#include "proxy/upstream/h2_stream.h"

namespace portico::upstream {

class H2Connection;

class H2ConnectionOwner {
 public:
  // The first of its streams is lent, or the last came back.
  virtual void on_idle_changed(H2Connection& connection, bool idle) = 0;
  // One of its streams came back.
  virtual void on_room(H2Connection& connection) = 0;
  // Closed, with no stream lent: hand it to the reaper.
  virtual void on_closed(H2Connection& connection) = 0;

 protected:
  ~H2ConnectionOwner() = default;
};

// Thread:    worker-bound.
// Lifetime:  the owner's, until on_closed; lent streams are told of its end before that.
// Errors:    reach each stream's exchange. GOAWAY, a used-up share of requests and retire() let
// what
//            is open finish and take nothing new.
// Memory:    a session (some 15 KiB), its streams, and one pooled buffer while it writes.
class H2Connection final : public exchange::Mortal,
                           private net::TransportSink,
                           private http::H2ConnectionEvents,
                           private H2StreamOwner {
 public:
  H2Connection(net::Loop& loop, const exchange::Options& options, H2ConnectionOwner& owner,
               exchange::EndpointId endpoint, std::shared_ptr<const exchange::UpstreamTls> tls,
               std::unique_ptr<net::Transport> transport);

  void start();
  // Whether another stream can be lent now.
  [[nodiscard]] bool has_room() const;
  // It takes nothing new any more, and closes, or is about to.
  [[nodiscard]] bool is_retired() const { return !takes_more_; }
  [[nodiscard]] bool has_served() const { return requests_ > 0; }
  exchange::ClientStream& lend(exchange::ResponseSink& sink);
  // Nothing new; closes once nothing is lent.
  void retire();
  [[nodiscard]] std::size_t lent() const { return lent_; }

  [[nodiscard]] exchange::EndpointId endpoint() const { return endpoint_; }
  [[nodiscard]] bool leads_to(const exchange::Endpoint& endpoint) const {
    return transport_->info().peer == endpoint.address && tls_.get() == endpoint.tls;
  }
  std::size_t index = 0;  // the owner's: its place in a list
  ConnectionPlace place;  // the owner's

 private:
  // TransportSink
  std::size_t on_bytes(std::span<char> bytes) override;
  void on_end() override;
  void on_drained() override;
  void on_error(net::TransportError error) override;
  // H2ConnectionEvents
  http::H2StreamEvents* on_stream_opened(std::int32_t) override { return nullptr; }
  void on_frame_begins(const http::H2Frame&) override {}
  void on_control_frame(const http::H2Frame& frame) override;
  void on_frame_sent(const http::H2Frame&) override {}
  // H2StreamOwner
  http::H2Session& session() override { return session_; }
  void send_later() override { poster_.post(); }
  void deliver_later(H2Stream& stream) override;
  void touch(H2Stream& stream) override;
  [[nodiscard]] std::size_t unsent_bytes() const override { return transport_->unsent_bytes(); }
  [[nodiscard]] bool is_tls() const override { return tls_ != nullptr; }
  void on_let_go(H2Stream& stream) override;

  void settle();
  void deliver_due();
  void pump();
  void recycle();
  void close_if_done();
  void lose(bool is_malformed);
  void close_now();

  const exchange::Options& options_;
  H2ConnectionOwner& owner_;
  net::BufferPool& buffers_;
  std::shared_ptr<const exchange::UpstreamTls> tls_;  // null: plaintext
  std::unique_ptr<net::Transport> transport_;
  http::H2Session session_;
  std::vector<std::unique_ptr<H2Stream>> streams_;
  std::vector<H2Stream*> free_;
  std::vector<H2Stream*> spent_;    // free once nothing of theirs is on the stack
  std::vector<H2Stream*> due_;      // to deliver() to
  std::vector<H2Stream*> touched_;  // told something in this turn
  std::vector<H2Stream*> working_;  // keeps its memory from turn to turn
  std::vector<H2Stream*> unsent_;   // their heads have not left
  net::Deadline idle_deadline_;
  net::Poster poster_;
  exchange::EndpointId endpoint_;
  std::size_t lent_ = 0;
  std::uint64_t requests_ = 0;
  bool takes_more_ = true;  // streams
  bool blocked_ = false;    // the transport keeps something
  bool settling_ = false;
  bool lost_ = false;  // the session is not to be used any more
  bool closed_ = false;
};

}  // namespace portico::upstream
