// One client of the admin listener. Small requests, whole answers.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "proxy/exchange/reaper.h"
#include "proxy/http/h1_decoder.h"
#include "proxy/net/deadline.h"
#include "proxy/net/transport.h"
#include "proxy/server/admin.h"

namespace portico::server {

class AdminConnection;

class AdminOwner {
 public:
  virtual void on_request(AdminConnection& connection, const AdminRequest& request) = 0;
  virtual void on_closed(AdminConnection& connection) = 0;

 protected:
  ~AdminOwner() = default;
};

// Thread:    the admin loop's.
// Lifetime:  the owner's, until on_closed. answer() is called once for each on_request.
class AdminConnection final : public exchange::Mortal,
                              private net::TransportSink,
                              private http::MessageSink {
 public:
  AdminConnection(net::Loop& loop, AdminOwner& owner, std::unique_ptr<net::Transport> transport,
                  std::uint64_t id);
  void start();
  void answer(const AdminResponse& response);

  [[nodiscard]] std::uint64_t id() const { return id_; }

 private:
  enum class State : std::uint8_t { kHead, kBody, kAnswering, kClosing, kClosed };

  std::size_t on_bytes(std::span<char> bytes) override;
  void on_end() override;
  void on_drained() override {}
  void on_error(net::TransportError) override { close(); }
  void on_body(std::span<char>) override {}
  void on_message_end(const http::FieldBlock*) override {}

  std::size_t take(std::span<char> bytes);
  std::size_t take_head(std::span<char> bytes);
  void dispatch();
  void close();

  AdminOwner& owner_;
  std::unique_ptr<net::Transport> transport_;
  http::RequestDecoder decoder_;
  net::Deadline deadline_;
  std::uint64_t id_;
  State state_ = State::kHead;
  std::string out_;
};

}  // namespace portico::server
