#include "controller/kube/api/proxy_tunnel.h"

#include <utility>

#include <fmt/format.h>

#include "controller/kube/api/api_connection.h"
#include "controller/kube/api/text.h"
#include "proxy/net/loop.h"

namespace portico::kube {

ProxyTunnel::ProxyTunnel(net::Loop& loop, std::unique_ptr<net::Transport> proxy,
                         std::string_view to, std::string_view credentials,
                         std::chrono::milliseconds timeout, Handler done)
    : transport_(std::move(proxy)),
      done_(std::move(done)),
      deadline_(loop, [this] { finish(ApiFailure::Kind::kTimedOut, "no answer to CONNECT"); }) {
  reader_.start(/*to_connect=*/true);
  deadline_.arm(timeout);
  transport_->start(*this);
  std::string head = fmt::format("CONNECT {0} HTTP/1.1\r\nHost: {0}\r\nUser-Agent: portico/{1}\r\n",
                                 to, PORTICO_VERSION);
  if (!credentials.empty()) {
    head += fmt::format("Proxy-Authorization: Basic {}\r\n", encode_base64(credentials));
  }
  head += "\r\n";
  const iovec piece{.iov_base = head.data(), .iov_len = head.size()};
  transport_->write({&piece, 1});
}

std::size_t ProxyTunnel::on_bytes(std::span<char> bytes) {
  const AnswerReader::Step step = reader_.next({bytes.data(), bytes.size()});
  switch (step.event) {
    case AnswerReader::Event::kMore:
      break;
    case AnswerReader::Event::kHead:
      if (const int status = reader_.head().status; status / 100 != 2) {
        finish(ApiFailure::Kind::kConnect, fmt::format("CONNECT is answered with {}", status));
        break;
      }
      deadline_.cancel();
      {
        Handler done = std::move(done_);  // it may destroy this
        done(std::move(transport_));
      }
      break;
    case AnswerReader::Event::kPiece:
    case AnswerReader::Event::kEnd:
    case AnswerReader::Event::kBroken:
      finish(ApiFailure::Kind::kProtocol, "the answer to CONNECT is no HTTP");
      break;
  }
  return step.taken;
}

void ProxyTunnel::on_end() {
  finish(ApiFailure::Kind::kCut, "the connection ended without an answer to CONNECT");
}

void ProxyTunnel::on_error(net::TransportError error) {
  finish(failure_kind(error), failure_text(error, {}));
}

void ProxyTunnel::finish(ApiFailure::Kind kind, std::string why) {
  deadline_.cancel();
  transport_->close();
  Handler done = std::move(done_);
  done(std::unexpected(ApiFailure{.kind = kind, .message = std::move(why)}));
}

}  // namespace portico::kube
