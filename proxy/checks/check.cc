#include "proxy/checks/check.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "proxy/checks/grpc_health.h"

namespace portico::checks {
namespace {

using http::FieldId;
using routing::HealthCheckSpec;
using Kind = HealthCheckSpec::Kind;

constexpr std::string_view kUserAgent = "portico-health-check/" PORTICO_VERSION;
constexpr std::size_t kMostBodyBytes = std::size_t{64} * 1024;
constexpr routing::StatusRange kGoodByDefault{};

exchange::Endpoint endpoint_of(exchange::EndpointId id, const Target& target) {
  return {.id = id,
          .address = target.address,
          // gRPC is HTTP/2, whatever the backend's requests are.
          .protocol =
              target.spec.kind == Kind::kGrpc ? routing::BackendProtocol::kHttp2 : target.protocol,
          .tls = target.tls.get()};
}

Check::Failed failed(std::string_view reason) {
  return {std::string(reason)};
}

Check::Result failed_connect(const routing::ProxyError& error) {
  constexpr std::uint16_t kOwnShortage = 503;
  return error.status == kOwnShortage ? Check::Result(Check::Untold()) : failed(error.reason);
}

// A field's value, as far as it is a number.
std::string_view digits_of(std::string_view text) {
  constexpr std::size_t kMost = 3;
  return text.substr(0, std::min(text.find_first_not_of("0123456789"), kMost));
}

std::string_view find(const http::FieldBlock& fields, std::string_view name) {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].name == name) {
      return digits_of(fields[i].value);
    }
  }
  return {};
}

}  // namespace

Check::Check(const CheckRoom& room, exchange::EndpointId id, const Target& target, Done done)
    : room_(room),
      target_(target),
      endpoint_(endpoint_of(id, target_)),
      done_(std::move(done)),
      deadline_(room.loop, [this] { on_time_over(); }) {
  deadline_.arm(target_.spec.timeout);
  begin();
}

Check::~Check() {
  if (stream_ != nullptr) {
    std::exchange(stream_, nullptr)->release();
  }
  room_.pool.retire(endpoint_.id);  // the next check has a connection of its own
}

void Check::begin() {
  const auto timeout = target_.spec.timeout;
  if (target_.spec.kind == Kind::kTcp) {
    connect_ = std::make_unique<upstream::Connect>(
        room_.loop, endpoint_, net::ConnectOptions{.timeout = timeout}, room_.reasons,
        [this](upstream::Connect::Result result) {
          finish(result ? Result(Passed()) : failed_connect(result.error()));
        });
    return;
  }
  pending_ = room_.pool.acquire(endpoint_, exchange::Reuse::kFresh, timeout, *this, *this).pending;
}

void Check::on_acquired(exchange::ClientStream& stream) {
  stream_ = &stream;
  ask(stream);
}

void Check::on_acquire_failed(const routing::ProxyError& error) {
  finish(failed_connect(error));
}

void Check::ask(exchange::ClientStream& stream) {
  const auto& spec = target_.spec;
  authority_ = spec.host.empty() ? target_.address.to_string() : spec.host;
  fields_.add(FieldId::kUserAgent, "User-Agent", kUserAgent);
  exchange::OutgoingRequest request{.authority = authority_, .fields = &fields_, .own = true};
  if (spec.kind == Kind::kHttp) {
    request.method = http::Method::kGet;
    request.method_text = "GET";
    request.target = spec.path;
    fields_.add(FieldId::kAccept, "Accept", "*/*");
    stream.send_head(request, false);
    stream.read_more(true);
    stream.end(nullptr);
    return;
  }
  const auto body = health_request(spec.grpc_service);
  timeout_text_ = fmt::format("{}m", spec.timeout.count());
  request.method = http::Method::kPost;
  request.method_text = "POST";
  request.target = "/grpc.health.v1.Health/Check";
  request.framing = http::Framing::kChunked;
  request.accepts_trailers = true;
  fields_.add(FieldId::kContentType, "Content-Type", "application/grpc");
  fields_.add(FieldId::kOther, "grpc-timeout", timeout_text_);
  stream.send_head(request, true);
  stream.write_body(body);
  stream.read_more(true);
  stream.end(nullptr);
  stream.flush();
}

void Check::on_response_head(http::ResponseHead& head) {
  if (head.status < 200 && head.status != 101) {
    return;  // interim
  }
  if (target_.spec.kind == Kind::kHttp) {
    by_status_ = judge_status(head.status);
  } else if (head.status != 200) {
    finish(failed(fmt::format("status {} instead of a gRPC reply", head.status)));
  } else {
    grpc_status_ = find(head.fields, "grpc-status");
  }
}

void Check::on_response_body(std::span<const char> piece) {
  body_bytes_ += piece.size();
  if (target_.spec.kind == Kind::kGrpc) {
    if (body_bytes_ > kMostReplyBytes) {
      finish(failed("the reply is too long"));
      return;
    }
    body_.append(piece.data(), piece.size());
  } else if (body_bytes_ > kMostBodyBytes) {
    finish(std::move(*by_status_));
  }
}

void Check::on_response_end(const http::FieldBlock* trailers) {
  finish(target_.spec.kind == Kind::kGrpc ? judge_call(trailers) : std::move(*by_status_));
}

void Check::on_upstream_error(const routing::ProxyError& error) {
  finish(by_status_ ? std::move(*by_status_) : failed(error.reason));
}

void Check::on_time_over() {
  finish(by_status_
             ? std::move(*by_status_)
             : failed(fmt::format("no answer within {:g} s",
                                  std::chrono::duration<double>(target_.spec.timeout).count())));
}

Check::Result Check::judge_status(std::uint16_t status) const {
  const auto holds = [status](const routing::StatusRange& range) {
    return status >= range.first && status <= range.last;
  };
  const auto& good = target_.spec.statuses;
  if (good.empty() ? holds(kGoodByDefault) : std::ranges::any_of(good, holds)) {
    return Passed();
  }
  return failed(fmt::format("status {}", status));
}

Check::Result Check::judge_call(const http::FieldBlock* trailers) const {
  constexpr std::string_view kNotFound = "5";
  constexpr std::string_view kUnimplemented = "12";
  const auto by_trailers =
      trailers == nullptr ? std::string_view() : find(*trailers, "grpc-status");
  const auto status = by_trailers.empty() ? std::string_view(grpc_status_) : by_trailers;
  if (status == kUnimplemented) {
    return failed("it does not implement grpc.health.v1.Health (gRPC status 12)");
  }
  if (status == kNotFound) {
    return failed(fmt::format("it does not know the service \"{}\" (gRPC status 5)",
                              target_.spec.grpc_service));
  }
  if (status != "0") {
    return failed(status.empty() ? std::string("the reply has no gRPC status")
                                 : fmt::format("gRPC status {}", status));
  }
  const auto reply = read_health_reply(body_);
  if (!reply) {
    return failed(reply.error());
  }
  switch (*reply) {
    case ServingStatus::kServing:
      return Passed();
    case ServingStatus::kNotServing:
      return failed("it says NOT_SERVING");
    default:
      return failed(fmt::format("it says neither SERVING nor NOT_SERVING, but {}",
                                static_cast<std::uint64_t>(*reply)));
  }
}

void Check::finish(Result result) {
  if (!done_) {
    return;
  }
  deadline_.cancel();
  if (stream_ != nullptr) {
    std::exchange(stream_, nullptr)->release();
  }
  std::exchange(done_, nullptr)(std::move(result));
}

}  // namespace portico::checks
