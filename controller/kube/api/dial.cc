#include "controller/kube/api/dial.h"

#include <utility>

#include <fmt/format.h>

#include "controller/kube/api/api_connection.h"
#include "controller/kube/api/proxy_tunnel.h"
#include "controller/kube/dns_channel.h"
#include "proxy/net/loop.h"
#include "tls/engine.h"

namespace portico::kube {
namespace {

// Half-open connections: a server that went without a word is noticed after some 20 s.
constexpr std::chrono::seconds kKeepalive{10};
constexpr std::chrono::milliseconds kUnacknowledgedLimit{20'000};

}  // namespace

DialResolver::DialResolver(net::Loop& loop, std::vector<std::string> servers)
    : loop_(loop), servers_(std::move(servers)) {}

DialResolver::~DialResolver() = default;

void DialResolver::resolve(const std::string& host, Callback callback) {
  if (channel_ == nullptr) {
    auto channel = DnsChannel::open(loop_, servers_, DnsChannel::SearchDomains::kUsed);
    if (!channel) {
      loop_.post([callback = std::move(callback), why = channel.error()]() mutable {
        callback(std::unexpected(std::move(why)));
      });
      return;
    }
    channel_ = std::move(*channel);
  }
  channel_->ask(host, [callback = std::move(callback)](DnsAnswer answer) mutable {
    if (answer.addresses.empty()) {
      callback(std::unexpected(std::move(answer.failure)));
    } else {
      callback(std::move(answer.addresses));
    }
  });
}

Dial::Dial(net::Loop& loop, DialResolver& resolver, const DialPlan& plan,
           std::shared_ptr<const tls::ClientContext> context, Handler done)
    : loop_(loop), plan_(plan), context_(std::move(context)), done_(std::move(done)) {
  const ServerUrl& hop = next_hop();
  if (const auto literal = net::SocketAddress::from(hop.host, hop.port)) {
    addresses_ = {*literal};
    try_next();
  } else if (hop.host == "localhost") {  // RFC 6761 6.3: nobody is asked
    addresses_ = {*net::SocketAddress::from("127.0.0.1", hop.port),
                  *net::SocketAddress::from("::1", hop.port)};
    try_next();
  } else {
    resolver.resolve(hop.host, [this, alive = std::weak_ptr(alive_)](auto addresses) {
      if (!alive.expired()) {
        take_addresses(std::move(addresses));
      }
    });
  }
}

Dial::~Dial() = default;

const ServerUrl& Dial::next_hop() const {
  return plan_.proxy ? *plan_.proxy : plan_.server;
}

void Dial::take_addresses(std::expected<std::vector<std::string>, std::string> addresses) {
  const ServerUrl& hop = next_hop();
  if (!addresses) {
    fail(ApiFailure::Kind::kConnect,
         fmt::format("can't find the address of {}: {}", hop.host, addresses.error()));
    return;
  }
  for (const std::string& text : *addresses) {
    if (const auto address = net::SocketAddress::from(text, hop.port)) {
      addresses_.push_back(*address);
    }
  }
  try_next();
}

void Dial::try_next() {
  if (addresses_.empty()) {
    fail(last_kind_, refusals_.empty() ? "no address" : refusals_);
    return;
  }
  const net::SocketAddress address = addresses_.front();
  addresses_.pop_front();
  const net::ConnectOptions options{.timeout = plan_.connect_timeout,
                                    .unacknowledged_limit = kUnacknowledgedLimit,
                                    .keepalive = kKeepalive};
  connector_ =
      std::make_unique<net::Connector>(loop_, address, options, [this, address](auto made) {
        if (made) {
          on_connected(std::move(*made));
          return;
        }
        last_kind_ = failure_kind(made.error());
        refusals_ +=
            fmt::format("{}{}{}: {}", refusals_.empty() ? "" : "; ", plan_.proxy ? "proxy " : "",
                        address.to_string(), failure_text(made.error(), {}));
        try_next();
      });
}

void Dial::on_connected(std::unique_ptr<net::Transport> transport) {
  if (!plan_.proxy) {
    shake_hands(std::move(transport));
    return;
  }
  tunnel_ = std::make_unique<ProxyTunnel>(
      loop_, std::move(transport), plan_.server.authority(), plan_.proxy->credentials,
      plan_.handshake_timeout, [this](auto made) {
        if (made) {
          shake_hands(std::move(*made));
          return;
        }
        fail(made.error().kind,
             fmt::format("proxy {}: {}", plan_.proxy->authority(), made.error().message));
      });
}

void Dial::shake_hands(std::unique_ptr<net::Transport> transport) {
  if (context_ == nullptr) {
    succeed(std::move(transport));
    return;
  }
  handshake_ = std::make_unique<net::TlsHandshake>(
      loop_, std::move(transport), tls::Engine::client(context_, plan_.tls_server_name),
      plan_.handshake_timeout, [this](auto made) {
        if (made) {
          succeed(std::move(*made));
          return;
        }
        const auto error = made.error();
        fail(failure_kind(error), error == net::TransportError::kTlsFailed
                                      ? failure_text(error, handshake_->failure())
                                      : fmt::format("TLS handshake: {}", failure_text(error, {})));
      });
}

void Dial::succeed(std::unique_ptr<net::Transport> transport) {
  Handler done = std::move(done_);  // it may destroy this
  done(std::move(transport));
}

void Dial::fail(ApiFailure::Kind kind, std::string why) {
  Handler done = std::move(done_);
  done(std::unexpected(ApiFailure{.kind = kind, .message = std::move(why)}));
}

}  // namespace portico::kube
