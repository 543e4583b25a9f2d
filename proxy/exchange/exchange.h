// One request and its answer, from the client's head to the last byte of either side.
//
//   receive head -> route -> authorize -> edit request -> pick endpoint -> acquire -> send -> relay
//   -> finish
//                                              ^                               |
//                                              └────── retry plan says so ─────┘
//
// Before its first endpoint is picked it waits in line where the backend has all it may bear.
//
// Each phase is a function by that name in exchange.cc, in this order.
//
// Thread:    lives on its worker.
// Lifetime:  a part of the client's connection (or stream), used again for its next request. The
// request head it is
//            started with must stay as it is until client.finished().
// Errors:    every failure ends in an own answer, a retry, or abort(); then in finish(), once.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/exchange/body_replay.h"
#include "proxy/exchange/circuit_pass.h"
#include "proxy/exchange/client_facts.h"
#include "proxy/exchange/compressed_body.h"
#include "proxy/exchange/context.h"
#include "proxy/exchange/endpoint_choice.h"
#include "proxy/exchange/health_gate.h"
#include "proxy/exchange/request_deadline.h"
#include "proxy/exchange/stream.h"
#include "proxy/net/deadline.h"
#include "proxy/net/transport.h"
#include "routing/path.h"
#include "routing/retry_plan.h"

namespace portico::exchange {

class Exchange final : public RequestSink,
                       private ResponseSink,
                       private AcquireSink,
                       private Turnstile::Waiter,
                       private Pinned {
 public:
  explicit Exchange(Context& context);
  ~Exchange();

  // A whole head has come. The body's credit is given by client.read_more(); what the RequestSink
  // is told belongs to this request until client.finished().
  void start(ServerStream& client, http::RequestHead& head, const net::TransportInfo& connection);
  // What came is no request: `head` is empty.
  void refuse(ServerStream& client, http::RequestHead& head, const net::TransportInfo& connection,
              const http::ParseError& error);

  // The client takes nothing: what its endpoint says is not read, its head neither. Until
  // on_client_writable().
  void on_client_stalled();

  // RequestSink
  void on_request_body(std::span<const char> piece) override;
  void on_request_end(const http::FieldBlock* trailers) override;
  void on_request_flush() override;
  void on_client_writable() override;
  void on_client_error(const routing::ProxyError& error) override;
  void on_client_half_closed() override;

 private:
  enum class Phase : std::uint8_t {
    kIdle,
    kDeciding,  // up to pick endpoint
    kQueued,    // in line
    kAcquiring,
    kAwaiting,  // sent, no answer's head yet
    kRelaying,
    kTunnel,  // after a 101: bytes both ways
  };
  enum class Half : std::uint8_t { kOpen, kEnded };

  void receive_head(ServerStream& client, http::RequestHead& head,
                    const net::TransportInfo& connection);
  [[nodiscard]] bool parse_target();
  void route();
  void authorize();
  [[nodiscard]] bool admit_client();
  [[nodiscard]] bool is_plain_route() const;
  [[nodiscard]] bool admit_client_to(const routing::HostTls& host);
  void edit_request();
  void pick_endpoint();
  [[nodiscard]] std::span<const Endpoint> endpoints_of(const Backend& backend) const;
  [[nodiscard]] bool enter_circuit(const Backend& backend);
  void wait_in_line();
  void on_queue_deadline();
  void decide_anew();
  void refuse_overloaded(CircuitRefusal refusal);
  void acquire(Reuse reuse);
  [[nodiscard]] std::optional<Announcement> announcement() const;
  void send(ClientStream& stream);
  void relay_head(http::ResponseHead& head);
  void start_tunnel(http::ResponseHead& head);
  void finish();

  // ResponseSink
  void on_response_head(http::ResponseHead& head) override;
  void on_response_body(std::span<const char> piece) override;
  void on_response_end(const http::FieldBlock* trailers) override;
  void on_response_flush() override;
  void on_upstream_writable() override;
  void on_upstream_error(const routing::ProxyError& error) override;
  // AcquireSink
  void on_acquired(ClientStream& stream) override;
  void on_acquire_failed(const routing::ProxyError& error) override;
  // Pinned
  void let_go_of_config() override;
  void on_memory_critical() override;
  // Turnstile::Waiter
  void on_turn() override;

  void upstream_failed(const routing::ProxyError& error);
  [[nodiscard]] bool drop_answer(const http::ResponseHead& head);
  [[nodiscard]] bool try_again(const routing::ProxyError& error);
  void follow_change();
  [[nodiscard]] routing::RetryPlan plan_retry(const routing::ProxyError& error) const;
  [[nodiscard]] bool has_better_endpoint() const;
  [[nodiscard]] bool keeps_body() const;
  void on_deadline();
  void limit_whole_time();
  void on_request_deadline();
  void endpoint_has_request();
  void extend_deadline();
  [[nodiscard]] bool endpoint_reads();
  void drop_upstream();
  // `message` is what the client reads; empty: what its status says.
  void answer(std::uint16_t status, std::string_view reason, std::string_view message = {});
  void answer_grpc(std::uint16_t status);
  void answer_unrouted();
  void answer_moved_to_https();
  void answer_moved(std::uint16_t status, std::string_view location);
  void send_own_head(OutgoingResponse& response, std::string_view body);
  void report();
  void unpin();
  [[nodiscard]] std::string_view strict_transport_security() const;
  [[nodiscard]] bool is_tls() const { return connection_->tls != nullptr; }

  Context& context_;
  ServerStream* client_ = nullptr;
  http::RequestHead* head_ = nullptr;
  const net::TransportInfo* connection_ = nullptr;
  ClientStream* upstream_ = nullptr;
  std::unique_ptr<PendingAcquire> pending_;
  ConfigPointer config_;
  std::shared_ptr<const void> route_owner_;       // once the Config is let go
  std::shared_ptr<const UpstreamTls> tls_owner_;  // as route_owner_; null: plaintext
  routing::RouteTable::Match match_;
  const routing::Route* route_ = nullptr;
  Endpoint endpoint_;
  HealthGate health_;
  EndpointChoice choice_;
  routing::NormalTarget target_;
  routing::HostBuffer host_buffer_;
  std::string_view host_;
  ClientFacts client_facts_;
  OutgoingRequest outgoing_;
  BodyReplay replay_;
  RetryBudget* retry_budget_ = nullptr;  // of the backend; null: no bound
  CircuitPass circuit_pass_;
  std::chrono::steady_clock::time_point queued_until_;
  CompressedBody coded_;  // the answer's, where it is compressed
  net::Deadline deadline_;
  std::unique_ptr<RequestDeadline> request_deadline_;  // null until a route asks for one
  std::chrono::steady_clock::time_point started_;
  std::uint64_t request_bytes_ = 0;
  std::uint64_t response_bytes_ = 0;
  std::size_t unsent_bytes_ = 0;  // while to_upstream_ waits: what the endpoint had not taken
  int attempts_ = 0;
  int forgiven_tries_ = 0;  // of attempts_
  int endpoints_ = 0;       // of the backend, when one was picked
  std::uint16_t status_ = 0;
  std::uint16_t upstream_status_ = 0;
  std::uint16_t meant_status_ = 0;
  Phase phase_ = Phase::kIdle;
  Half request_ = Half::kEnded;
  Half response_ = Half::kEnded;
  Flow to_client_ = Flow::kGo;
  Flow to_upstream_ = Flow::kGo;
  bool reused_ = false;
  bool answer_seen_ = false;
  bool retry_budget_exhausted_ = false;
  bool hurried_ = false;  // in line: its deadline is not its own, but that of memory that is short
  CircuitRefusal circuit_refusal_ = CircuitRefusal::kNone;
  std::string_view reason_;
  char port_text_[8];
  char request_id_[32];
};

}  // namespace portico::exchange
