#include "proxy/net/readiness.h"

#include <cassert>
#include <sys/epoll.h>
#include <unistd.h>

#include <boost/asio/detail/reactor_op.hpp>

#include "proxy/net/loop_asio.h"

namespace portico::net {

namespace asio_detail = boost::asio::detail;
using asio_detail::reactor_op;
using Reactor = asio_detail::reactor;

namespace {

// Asio asks epoll for neither half-closes nor errors, and keeps the events of the edge it handles
// to itself. Explicit instantiation may name private members; friends declared in it carry them
// out.
template <auto kEpollFd, auto kRegisteredEvents>
struct Privates {
  friend int epoll_fd_of(Reactor& reactor) { return reactor.*kEpollFd; }
  friend std::uint32_t& registered_events_of(Reactor::per_descriptor_data data) {
    return data->*kRegisteredEvents;
  }
};
int epoll_fd_of(Reactor& reactor);
std::uint32_t& registered_events_of(Reactor::per_descriptor_data data);
template struct Privates<&Reactor::epoll_fd_, &Reactor::descriptor_state::registered_events_>;

using Scheduler = asio_detail::scheduler;

template <auto kQueue, auto kReactorTask>
struct SchedulerPrivates {
  // A handler runs while the reactor's task is queued, so that other threads that post leave the
  // front alone.
  friend bool reactor_is_next(Scheduler& scheduler) {
    const auto* next = (scheduler.*kQueue).front();
    return next == nullptr || next == &(scheduler.*kReactorTask);
  }
};
bool reactor_is_next(Scheduler& scheduler);
template struct SchedulerPrivates<&Scheduler::op_queue_, &Scheduler::task_operation_>;

struct Events : asio_detail::operation {
  static std::uint32_t of(Reactor::per_descriptor_data data) {
    // The base is private; a C-style cast may look past that.
    return ((asio_detail::operation*)data)->*(&Events::task_result_);
  }
};

constexpr std::uint32_t kLastEdge = EPOLLERR | EPOLLHUP | EPOLLRDHUP;

// With this an edge tells of an end too, so that a short read needs no second one that finds
// nothing.
void ask_for_ends(Reactor& reactor, int fd, Reactor::per_descriptor_data data) {
  auto& events = registered_events_of(data);
  events |= EPOLLRDHUP;
  epoll_event event{.events = events, .data = {.ptr = data}};
  ::epoll_ctl(epoll_fd_of(reactor), EPOLL_CTL_MOD, fd, &event);
}

}  // namespace

bool LoopCore::turn_goes_on() const {
  return !reactor_is_next(scheduler);
}

// One edge asked for. While it is queued in Asio it holds its node.
struct Readiness::Wait : reactor_op {
  Wait(Node& owner, int type)
      : reactor_op(boost::system::error_code(), &Wait::perform, &Wait::complete),
        node(&owner),
        op_type(type) {}

  static status perform(reactor_op* base);
  static void complete(void* owner, asio_detail::operation* base, const boost::system::error_code&,
                       std::size_t);
  void start();

  Node* node;
  int op_type;
  bool starting = false;
  bool waiting = false;
};

struct Readiness::Node {
  Node(LoopCore& core, int descriptor, Descriptor owns, ReadinessHandler& h)
      : loop(core), handler(&h), fd(descriptor), ownership(owns), read(*this, Reactor::read_op) {}

  void release() {
    if (--references == 0) {
      delete this;
    }
  }

  LoopCore& loop;
  ReadinessHandler* handler;
  Reactor::per_descriptor_data data = nullptr;
  int fd;
  unsigned references = 1;
  Descriptor ownership;
  bool hung_up = false;
  Wait read;
  std::unique_ptr<Wait> write;  // most connections never find their socket full
};

reactor_op::status Readiness::Wait::perform(reactor_op* base) {
  auto* const wait = static_cast<Wait*>(base);
  // start_op() tries an operation before it queues it; that is no edge.
  if (wait->starting) {
    return not_done;
  }
  if ((Events::of(wait->node->data) & kLastEdge) != 0) {
    wait->node->hung_up = true;
  }
  return done;
}

void Readiness::Wait::start() {
  if (waiting) {
    return;
  }
  waiting = true;
  ++node->references;
  starting = true;
  node->loop.reactor.start_op(op_type, node->fd, node->data, this, true, true);
  starting = false;
}

void Readiness::Wait::complete(void* owner, asio_detail::operation* base,
                               const boost::system::error_code&, std::size_t) {
  auto* wait = static_cast<Wait*>(base);
  Node* node = wait->node;
  wait->waiting = false;
  // No owner: the io_context is being destroyed. No handler: the Readiness is gone.
  if (owner != nullptr && node->handler != nullptr) {
    if (wait->op_type == Reactor::read_op) {
      node->handler->on_readable();
    } else {
      node->handler->on_writable();
    }
  }
  node->release();
}

Readiness::Readiness(LoopCore& loop, int fd, Descriptor ownership, ReadinessHandler& handler)
    : node_(new Node(loop, fd, ownership, handler)) {
  [[maybe_unused]] const int error = loop.reactor.register_descriptor(fd, node_->data);
  assert(error == 0 && "epoll takes every socket");
  ask_for_ends(loop.reactor, fd, node_->data);
  node_->read.start();
}

Readiness& Readiness::operator=(Readiness&& other) noexcept {
  if (this != &other) {
    close();
    node_ = std::exchange(other.node_, nullptr);
  }
  return *this;
}

void Readiness::set_handler(ReadinessHandler& handler) {
  node_->handler = &handler;
}

void Readiness::wait_readable() {
  node_->read.start();
}

void Readiness::wait_writable() {
  if (!node_->write) {
    node_->write = std::make_unique<Wait>(*node_, Reactor::write_op);
  }
  node_->write->start();
}

void Readiness::close() {
  if (node_ == nullptr) {
    return;
  }
  Node* node = std::exchange(node_, nullptr);
  node->handler = nullptr;
  const bool closing = node->ownership == Descriptor::kOwned;
  node->loop.reactor.deregister_descriptor(node->fd, node->data, closing);
  node->loop.reactor.cleanup_descriptor_data(node->data);
  if (closing) {
    ::close(node->fd);
  }
  node->release();
}

bool Readiness::hung_up() const {
  return node_->hung_up;
}

int Readiness::fd() const {
  return node_->fd;
}

struct Poster::Node : asio_detail::operation {
  explicit Node(Poster& o) : asio_detail::operation(&Node::complete), owner(&o) {}

  static void complete(void* scheduler, asio_detail::operation* base,
                       const boost::system::error_code&, std::size_t) {
    auto* node = static_cast<Node*>(base);
    node->pending = false;
    if (node->owner == nullptr) {
      delete node;
      return;
    }
    if (scheduler != nullptr) {
      node->owner->call_(node->owner->owner_);
    }
  }

  Poster* owner;
  bool pending = false;
};

Poster::~Poster() {
  if (node_ == nullptr) {
    return;
  }
  if (node_->pending) {
    node_->owner = nullptr;
  } else {
    delete node_;
  }
}

void Poster::post() {
  if (node_ == nullptr) {
    node_ = new Node(*this);
  }
  if (node_->pending) {
    return;
  }
  node_->pending = true;
  loop_->scheduler.post_immediate_completion(node_, true);
}

}  // namespace portico::net
