#include "controller/kube/api/http_client.h"

#include <algorithm>

#include <fmt/format.h>

#include "controller/kube/api/exec_credential.h"
#include "controller/kube/api/http_call.h"
#include "proxy/net/loop.h"

namespace portico::kube {
namespace {

std::string server_name(const ServerUrl& url) {
  return fmt::format("{}://{}{}", url.is_tls ? "https" : "http", url.authority(), url.prefix);
}

// What a plugin is told of the authority; where it can't be read, its own error follows soon.
std::string authority_pem(const Content& authority) {
  return authority.bytes.empty() && !authority.file.empty()
             ? read_file(authority.file, RereadContent::kMaxBytes).value_or("")
             : authority.bytes;
}

// A target is made of names that users wrote: nothing in it may end the line.
void append_target(std::string& out, std::string_view target) {
  for (const char c : target) {
    if (c > ' ' && c < 0x7f && c != '"' && c != '#') {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
}

}  // namespace

HttpApiClient::HttpApiClient(net::Loop& loop, const ApiAccess& access, DialPlan plan,
                             Credentials::World world, std::vector<std::string> dns_servers)
    : loop_(loop),
      server_(server_name(plan.server)),
      plan_(std::move(plan)),
      accepts_gzip_(access.accepts_gzip),
      impersonation_(access.user.impersonation),
      resolver_(loop, std::move(dns_servers)),
      tls_(access, world.clock),
      credentials_(access.user, exec_info(access, authority_pem(access.authority)),
                   std::move(world), [this] { schedule(); }) {}

HttpApiClient::~HttpApiClient() = default;

std::unique_ptr<ApiCall> HttpApiClient::call(ApiRequest request, Handler done) {
  return enqueue(std::make_unique<HttpCall>(*this, std::move(request), std::move(done)));
}

std::unique_ptr<ApiCall> HttpApiClient::stream(ApiRequest request, ApiStreamSink& sink) {
  return enqueue(std::make_unique<HttpCall>(*this, std::move(request), &sink));
}

std::unique_ptr<ApiCall> HttpApiClient::enqueue(std::unique_ptr<HttpCall> call) {
  waiting_.push_back(call.get());
  schedule();
  return call;
}

void HttpApiClient::wait_again(HttpCall& call) {
  if (!call.is_stream()) {
    --calls_under_way_;
  }
  waiting_.push_front(&call);
  schedule();
}

void HttpApiClient::forget(HttpCall& call, bool was_started) {
  if (!was_started) {
    std::erase(waiting_, &call);
  } else if (!call.is_stream()) {
    --calls_under_way_;
    schedule();
  }
}

void HttpApiClient::schedule() {
  if (waiting_.empty() || std::exchange(is_scheduled_, true)) {
    return;
  }
  loop_.post([this, alive = std::weak_ptr(alive_)] {
    if (!alive.expired()) {
      is_scheduled_ = false;
      pump();
    }
  });
}

void HttpApiClient::pump() {
  const auto may_start = [this](const HttpCall* call) {
    return call->is_stream() || calls_under_way_ < kMaxCalls;
  };
  if (std::ranges::none_of(waiting_, may_start)) {
    return;
  }
  const auto credential = credentials_.current();
  if (!credential) {
    fail_waiting(ApiFailure::Kind::kCredentials, credential.error());
    return;
  }
  if (*credential == nullptr) {
    return;  // a plugin is at work, and will say when it is done
  }
  IdleConnections::Context context;
  if (plan_.server.is_tls) {
    auto made = tls_.context(**credential);
    if (!made) {
      fail_waiting(ApiFailure::Kind::kCredentials, made.error());
      return;
    }
    context = std::move(*made);
  }
  for (auto next = waiting_.begin(); next != waiting_.end();) {
    HttpCall& call = **next;
    if (!may_start(&call)) {
      ++next;
      continue;
    }
    next = waiting_.erase(next);
    calls_under_way_ += call.is_stream() ? 0 : 1;
    call.start(head_of(call.request(), **credential), (*credential)->version, context);
  }
}

// Those that wait now, not those that the failed ones ask for next. What is called may destroy any
// of them, and this.
void HttpApiClient::fail_waiting(ApiFailure::Kind kind, const std::string& why) {
  // A copy, because `why` may be a call's.
  // NOLINTNEXTLINE(performance-unnecessary-copy-initialization)
  const std::string reason = why;
  const std::weak_ptr alive(alive_);
  for (std::size_t left = waiting_.size(); left > 0 && !alive.expired() && !waiting_.empty();
       --left) {
    waiting_.front()->fail(kind, reason);
  }
}

std::string HttpApiClient::head_of(const ApiRequest& request, const Credential& credential) const {
  std::string head = request.method + " ";
  append_target(head, plan_.server.prefix + request.target);
  head +=
      fmt::format(" HTTP/1.1\r\nHost: {}\r\nUser-Agent: portico/{}\r\nAccept: application/json\r\n",
                  plan_.server.host_field(), PORTICO_VERSION);
  const auto add = [&head](std::string_view name, std::string_view value) {
    if (!value.empty()) {
      head.append(name).append(": ").append(value).append("\r\n");
    }
  };
  add("Accept-Encoding", accepts_gzip_ ? "gzip" : "identity");
  add("Authorization", credential.authorization);
  for (const auto& [name, value] : impersonation_) {
    add(name, value);
  }
  add("Content-Type", request.content_type);
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT" ||
      request.method == "PATCH") {
    add("Content-Length", std::to_string(request.body.size()));
  }
  return head += "\r\n";
}

}  // namespace portico::kube
