// One check of one endpoint: a connection of its own, a question, and whether the answer is good.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "proxy/checks/target.h"
#include "proxy/exchange/reaper.h"
#include "proxy/exchange/stream.h"
#include "proxy/exchange/upstreams.h"
#include "proxy/http/message.h"
#include "proxy/net/deadline.h"
#include "proxy/net/loop.h"
#include "proxy/upstream/connect.h"
#include "proxy/upstream/failure_reasons.h"
#include "proxy/upstream/pool.h"

namespace portico::checks {

// What checks share.
struct CheckRoom {
  net::Loop& loop;
  upstream::Pool& pool;
  upstream::FailureReasons& reasons;
};

// Begun by constructing it. An answer's body is read to its end, within bounds, since a server that
// is reset in the middle of its answer writes that into its log; of an HTTP check only the status
// counts.
//
// Thread:    its loop's.
// Lifetime:  destroying it gives up. `done` is called once, never from inside the constructor, and
//            must not destroy it before the loop's turn is over (exchange/reaper.h).
// Errors:    are failed checks, with a reason for people. That this machine has no descriptor, port
//            or memory tells nothing of the endpoint.
class Check final : public exchange::Mortal,
                    private exchange::ResponseSink,
                    private exchange::AcquireSink {
 public:
  struct Passed {};
  struct Failed {
    std::string reason;
  };
  struct Untold {};
  using Result = std::variant<Passed, Failed, Untold>;
  using Done = std::move_only_function<void(Result)>;

  // `id`: a number that no other check in this room has; connections are kept apart by it.
  Check(const CheckRoom& room, exchange::EndpointId id, const Target& target, Done done);
  ~Check() override;
  Check(const Check&) = delete;
  Check& operator=(const Check&) = delete;

 private:
  void begin();
  void ask(exchange::ClientStream& stream);
  [[nodiscard]] Result judge_status(std::uint16_t status) const;
  [[nodiscard]] Result judge_call(const http::FieldBlock* trailers) const;
  void on_time_over();
  void finish(Result result);

  // AcquireSink
  void on_acquired(exchange::ClientStream& stream) override;
  void on_acquire_failed(const routing::ProxyError& error) override;
  // ResponseSink
  void on_response_head(http::ResponseHead& head) override;
  void on_response_body(std::span<const char> piece) override;
  void on_response_end(const http::FieldBlock* trailers) override;
  void on_response_flush() override {}
  void on_upstream_writable() override {}
  void on_upstream_error(const routing::ProxyError& error) override;

  const CheckRoom room_;
  const Target target_;
  const exchange::Endpoint endpoint_;
  Done done_;
  net::Deadline deadline_;
  std::unique_ptr<upstream::Connect> connect_;         // of kTcp,
  std::unique_ptr<exchange::PendingAcquire> pending_;  // of the others
  exchange::ClientStream* stream_ = nullptr;
  std::string authority_, timeout_text_;
  http::FieldBlock fields_;
  std::optional<Result> by_status_;  // of kHttp, once the head is here
  std::string grpc_status_;          // of kGrpc, where the head says it
  std::string body_;                 // of kGrpc
  std::size_t body_bytes_ = 0;
};

}  // namespace portico::checks
