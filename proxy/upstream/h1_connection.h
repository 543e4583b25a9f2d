// A backend's HTTP/1 connection: idle in the pool, or lent to one exchange.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include <boost/intrusive/list.hpp>

#include "proxy/exchange/config.h"
#include "proxy/exchange/h1_writer.h"
#include "proxy/exchange/options.h"
#include "proxy/exchange/reaper.h"
#include "proxy/exchange/stream.h"
#include "proxy/http/h1_decoder.h"
#include "proxy/net/deadline.h"
#include "proxy/net/transport.h"
#include "proxy/upstream/connection_place.h"

namespace portico::upstream {

class H1Connection;

// A place in the pool's list of idle connections.
using IdleHook =
    boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

// What a connection needs only while it is lent.
struct Lease {
  explicit Lease(const http::Limits& limits) : decoder(limits) {}
  http::ResponseDecoder decoder;
  exchange::H1Writer out;
};

class ConnectionOwner {
 public:
  // Lent no more, and good for another request.
  virtual void on_idle(H1Connection& connection, std::unique_ptr<Lease> lease) = 0;
  // Closed: hand it to the reaper.
  virtual void on_closed(H1Connection& connection) = 0;

 protected:
  ~ConnectionOwner() = default;
};

// Thread:    worker-bound.
// Lifetime:  the owner's, until on_closed.
// Errors:    an answer that breaks RFC 9112, and any end before it is whole, are told as
// ProxyError; the connection is
//            not used again. A byte or an end while idle closes it, and so does one that came
//            before anything of the next request was sent.
class H1Connection final : public exchange::Mortal,
                           public IdleHook,
                           public exchange::ClientStream,
                           private net::TransportSink,
                           private http::MessageSink {
 public:
  H1Connection(net::Loop& loop, const exchange::Options& options, ConnectionOwner& owner,
               exchange::EndpointId endpoint, std::shared_ptr<const exchange::UpstreamTls> tls,
               std::unique_ptr<net::Transport> transport);

  void start();
  // To an exchange; until release().
  void lend(exchange::ResponseSink& sink, std::unique_ptr<Lease> lease);
  void close();
  // It is good for one exchange only.
  void serve_once() { serves_once_ = true; }

  [[nodiscard]] exchange::EndpointId endpoint() const { return endpoint_; }
  // It is the endpoint's address, and is talked to as the endpoint is.
  [[nodiscard]] bool leads_to(const exchange::Endpoint& endpoint) const {
    return transport_->info().peer == endpoint.address && tls_.get() == endpoint.tls;
  }
  std::size_t index = 0;         // the owner's: its place
  std::uint32_t generation = 0;  // the owner's: of the address it was opened to
  ConnectionPlace place;         // the owner's

  // ClientStream
  void send_head(const exchange::OutgoingRequest& request, bool body_follows) override;
  exchange::Flow write_body(std::span<const char> piece) override;
  void end(const http::FieldBlock* trailers) override;
  void flush() override;
  void read_more(bool credit) override;
  [[nodiscard]] bool has_sent() const override { return transport_->sent_bytes() != sent_before_; }
  [[nodiscard]] std::size_t unsent_bytes() const override { return transport_->unsent_bytes(); }
  void release() override;

 private:
  enum class State : std::uint8_t {
    kIdle,
    kHead,
    kBody,
    kTunnel,
    kComplete,
    kFlushing,  // a tunnel's last bytes are still on their way to the backend
    kClosed,
  };

  // TransportSink
  std::size_t on_bytes(std::span<char> bytes) override;
  void on_end() override;
  void on_drained() override;
  void on_error(net::TransportError error) override;
  // MessageSink
  void on_body(std::span<char> piece) override;
  void on_message_end(const http::FieldBlock* trailers) override;

  std::size_t feed(std::span<char> bytes);
  std::size_t take_head(std::span<char> bytes);
  std::size_t take_body(std::span<char> bytes);
  std::size_t skip_body(std::span<char> bytes);
  void fail(const routing::ProxyError& error);
  void settle();
  void close_now(bool reset);

  const exchange::Options& options_;
  ConnectionOwner& owner_;
  std::shared_ptr<const exchange::UpstreamTls> tls_;  // null: plaintext
  std::unique_ptr<net::Transport> transport_;
  std::unique_ptr<Lease> lease_;
  exchange::ResponseSink* sink_ = nullptr;
  net::Deadline idle_deadline_;
  exchange::EndpointId endpoint_;
  std::uint64_t sent_before_ = 0;  // when it was lent
  std::uint32_t requests_ = 0;
  std::uint32_t interims_ = 0;
  State state_ = State::kIdle;
  bool credit_ = false;
  bool request_ended_ = false;
  bool serves_once_ = false;
  bool reusable_ = true;
  bool write_blocked_ = false;
  bool in_feed_ = false;  // on_bytes is on the stack: it settles a release itself
  bool surplus_ = false;  // bytes behind the answer's end
};

}  // namespace portico::upstream
