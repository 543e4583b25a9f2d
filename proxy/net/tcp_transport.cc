#include "proxy/net/tcp_transport.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <utility>

#include "proxy/net/loop_asio.h"
#include "proxy/net/tcp_transport_impl.h"

namespace portico::net {

namespace {

constexpr std::size_t kMaxPieces = 1024;  // IOV_MAX
constexpr int kMaxReadsPerTurn = 4;       // then the loop's other connections have theirs

TransportError error_of(int error) {
  switch (error) {
    case ECONNRESET:
    case EPIPE:
      return TransportError::kReset;
    case ETIMEDOUT:
      return TransportError::kTimedOut;
    default:
      return TransportError::kOther;
  }
}

std::size_t total_bytes(std::span<const iovec> pieces) {
  std::size_t total = 0;
  for (const iovec& piece : pieces) {
    total += piece.iov_len;
  }
  return total;
}

}  // namespace

TcpTransport::TcpTransport(Loop& loop, const TransportInfo& info, Readiness readiness,
                           bool readable)
    : loop_(loop),
      info_(info),
      readiness_(std::move(readiness)),
      poster_(
          loop.core(), [](void* self) { static_cast<TcpTransport*>(self)->turn(); }, this),
      readable_(readable) {
  loop.check_thread();
  readiness_.set_handler(*this);
}

TcpTransport::TcpTransport(Loop& loop, AcceptedSocket socket)
    : loop_(loop),
      info_{.peer = socket.peer(), .local = socket.local()},
      attachment_(socket.release_attachment()),
      readiness_(loop.core(), socket.release(), Readiness::Descriptor::kOwned, *this),
      poster_(loop.core(), [](void* self) { static_cast<TcpTransport*>(self)->turn(); }, this) {
  loop.check_thread();
}

TcpTransport::~TcpTransport() {
  loop_.check_thread();
  send_waiting();
  if (destroyed_ != nullptr) {
    *destroyed_ = true;
  }
}

void TcpTransport::start(TransportSink& sink) {
  loop_.check_thread();
  if (!readiness_) {
    return;
  }
  sink_ = &sink;
  end_told_ = false;
  resume_reading();
}

void TcpTransport::resume_reading() {
  paused_ = false;
  if (!unread_.empty() || readable_ || ended_ || error_ != TransportError::kNone) {
    offer_due_ = true;
    poster_.post();
  }
}

void TcpTransport::on_readable() {
  readable_ = true;
  edge_is_fresh_ = true;
  turn();
}

void TcpTransport::turn() {
  // Edges that came while nobody waited told their events to nobody: only in an edge's own turn
  // does a short read say that no end lies behind it.
  const bool fresh = std::exchange(edge_is_fresh_, false);
  bool destroyed = false;
  destroyed_ = &destroyed;
  if (std::exchange(offer_due_, false) && !paused_ && !unread_.empty() && sink_ != nullptr &&
      !offer()) {
    return;
  }
  for (int reads = 0; may_read() && readable_; ++reads) {
    if (reads == kMaxReadsPerTurn) {
      poster_.post();
      break;
    }
    if (!read_some(fresh)) {
      return;
    }
  }
  destroyed_ = nullptr;
  if (sink_ == nullptr) {
    return;
  }
  // After the bytes: an answer that came before the peer closed is worth reading when a write has
  // failed. Instead of the end: what a reset cut short must not look complete.
  if (error_ != TransportError::kNone) {
    std::exchange(sink_, nullptr)->on_error(error_);
    return;
  }
  if (ended_ && !end_told_ && !paused_) {
    end_told_ = true;
    sink_->on_end();
  }
}

bool TcpTransport::read_some(bool fresh_edge) {
  const std::span<char> room = unread_.prepare(loop_.buffers());
  if (room.empty()) {
    // The sink took none of kMaxUnread bytes: it has to decide, and resume_reading() then.
    paused_ = true;
    return true;
  }
  const ssize_t received = ::recv(readiness_.fd(), room.data(), room.size(), 0);
  if (received < 0 && errno == EINTR) {
    return true;
  }
  if (received <= 0) {
    readable_ = false;
    unread_.release_if_empty();
    if (received == 0) {
      ended_ = true;
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      readiness_.wait_readable();
    } else if (error_ == TransportError::kNone) {
      error_ = error_of(errno);
    }
    return true;
  }
  // A short read has emptied the socket, unless an end came with the bytes: one edge for both.
  if (fresh_edge && static_cast<std::size_t>(received) < room.size() && !readiness_.hung_up()) {
    readable_ = false;
    readiness_.wait_readable();
  }
  unread_.commit(static_cast<std::size_t>(received));
  return offer();
}

bool TcpTransport::offer() {
  bool& destroyed = *destroyed_;
  return unread_.offer_to(*sink_, [&destroyed] { return !destroyed; });
}

ssize_t TcpTransport::send_now(std::span<const iovec> pieces) {
  if (pieces.size() == 1) {  // cheaper for the kernel
    return ::send(readiness_.fd(), pieces[0].iov_base, pieces[0].iov_len, MSG_NOSIGNAL);
  }
  const msghdr message{.msg_iov = const_cast<iovec*>(pieces.data()),
                       .msg_iovlen = std::min(pieces.size(), kMaxPieces)};
  return ::sendmsg(readiness_.fd(), &message, MSG_NOSIGNAL);
}

bool TcpTransport::write(std::span<const iovec> pieces) {
  if (!readiness_ || error_ != TransportError::kNone || write_state_ != Write::kOpen) {
    return false;
  }
  const std::size_t bytes = total_bytes(pieces);
  if (outgoing_) {
    keep(pieces, bytes, 0);
  } else if (bytes <= SendBatch::kMaxWrite && loop_.core().turn_goes_on()) {
    loop_.core().sends.add(*this, pieces, bytes);
  } else {
    send_waiting();
    send(pieces, bytes);
  }
  drain_owed_ = outgoing_ != nullptr;
  return !drain_owed_ && error_ == TransportError::kNone;
}

void TcpTransport::send_batched(std::span<const char> bytes) {
  const iovec piece{.iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size()};
  send({&piece, 1}, bytes.size());
}

void TcpTransport::send_waiting() {
  loop_.core().sends.flush(*this);
}

void TcpTransport::send(std::span<const iovec> pieces, std::size_t bytes) {
  if (outgoing_ || error_ != TransportError::kNone) {  // by what had waited in the batch
    keep(pieces, bytes, 0);
    return;
  }
  ssize_t sent = 0;
  do {
    sent = send_now(pieces);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) {
    if (errno != EAGAIN && errno != EWOULDBLOCK) {
      fail_write(errno);
      return;
    }
    sent = 0;
  }
  sent_bytes_ += static_cast<std::uint64_t>(sent);
  if (static_cast<std::size_t>(sent) != bytes) {
    keep(pieces, bytes, static_cast<std::size_t>(sent));
    readiness_.wait_writable();
  }
}

void TcpTransport::keep(std::span<const iovec> pieces, std::size_t bytes, std::size_t sent) {
  if (error_ != TransportError::kNone) {
    return;
  }
  if (!outgoing_) {
    outgoing_ = std::make_unique<Outgoing>();
    outgoing_->bytes.reserve(bytes - sent);
  }
  if (outgoing_->sent > outgoing_->bytes.size() / 2) {
    outgoing_->bytes.erase(0, std::exchange(outgoing_->sent, 0));
  }
  for (const iovec& piece : pieces) {
    const std::size_t skip = std::min(sent, piece.iov_len);
    sent -= skip;
    outgoing_->bytes.append(static_cast<const char*>(piece.iov_base) + skip, piece.iov_len - skip);
  }
}

void TcpTransport::on_writable() {
  if (!outgoing_) {
    return;
  }
  send_kept();
  if (error_ != TransportError::kNone || outgoing_) {
    return;
  }
  if (write_state_ == Write::kFinishing) {
    write_state_ = Write::kOpen;
    finish_writing();
  }
  if (std::exchange(drain_owed_, false) && sink_ != nullptr) {
    sink_->on_drained();
  }
}

void TcpTransport::send_kept() {
  const ssize_t sent = ::send(readiness_.fd(), outgoing_->bytes.data() + outgoing_->sent,
                              outgoing_->bytes.size() - outgoing_->sent, MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
    fail_write(errno);
    return;
  }
  outgoing_->sent += static_cast<std::size_t>(std::max<ssize_t>(sent, 0));
  sent_bytes_ += static_cast<std::uint64_t>(std::max<ssize_t>(sent, 0));
  if (outgoing_->sent == outgoing_->bytes.size()) {
    outgoing_.reset();
    return;
  }
  readiness_.wait_writable();
}

void TcpTransport::finish_writing() {
  if (!readiness_ || write_state_ != Write::kOpen) {
    return;
  }
  send_waiting();
  if (outgoing_) {
    write_state_ = Write::kFinishing;
    return;
  }
  write_state_ = Write::kFinished;
  ::shutdown(readiness_.fd(), SHUT_WR);
}

void TcpTransport::fail_write(int error) {
  error_ = error_of(error);
  outgoing_.reset();
  readable_ = true;
  poster_.post();
}

void TcpTransport::close(bool reset) {
  if (!readiness_) {
    return;
  }
  send_waiting();
  if (reset) {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    setsockopt(readiness_.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  if (destroyed_ != nullptr) {
    *std::exchange(destroyed_, nullptr) = true;  // the turn that is on its way ends here
  }
  sink_ = nullptr;
  readable_ = false;
  unread_.clear();
  outgoing_.reset();
  readiness_.close();
}

std::size_t TcpTransport::unsent_bytes() const {
  int in_kernel = 0;
  if (!readiness_ || ::ioctl(readiness_.fd(), SIOCOUTQ, &in_kernel) != 0) {
    return 0;
  }
  const std::size_t kept = outgoing_ ? outgoing_->bytes.size() - outgoing_->sent : 0;
  return kept + static_cast<std::size_t>(in_kernel);
}

std::unique_ptr<Transport> make_tcp_transport(Loop& loop, AcceptedSocket socket) {
  return std::make_unique<TcpTransport>(loop, std::move(socket));
}

}  // namespace portico::net
