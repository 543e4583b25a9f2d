// The only file that knows c-ares.
#include "controller/kube/dns_channel.h"

#include <algorithm>
#include <arpa/inet.h>
#include <map>
#include <netdb.h>
#include <sys/select.h>
#include <utility>

#include <ares.h>

#include "proxy/net/deadline.h"
#include "proxy/net/loop.h"

namespace portico::kube {
namespace {

std::string text_of(const sockaddr* address) {
  char text[INET6_ADDRSTRLEN] = {};
  const void* bytes = nullptr;
  if (address->sa_family == AF_INET) {
    bytes = &reinterpret_cast<const sockaddr_in*>(address)->sin_addr;
  } else if (address->sa_family == AF_INET6) {
    bytes = &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr;
  }
  if (bytes == nullptr || inet_ntop(address->sa_family, bytes, text, sizeof(text)) == nullptr) {
    return {};
  }
  return text;
}

DnsAnswer answer_of(int status, const ares_addrinfo* info) {
  DnsAnswer answer;
  int ttl = -1;
  for (const ares_addrinfo_node* node = info == nullptr ? nullptr : info->nodes; node != nullptr;
       node = node->ai_next) {
    std::string text = text_of(node->ai_addr);
    if (!text.empty()) {
      answer.addresses.push_back(std::move(text));
      ttl = ttl < 0 ? node->ai_ttl : std::min(ttl, node->ai_ttl);
    }
  }
  for (const ares_addrinfo_cname* name = info == nullptr ? nullptr : info->cnames; name != nullptr;
       name = name->next) {
    ttl = std::min(ttl, name->ttl);
  }
  std::sort(answer.addresses.begin(), answer.addresses.end());
  answer.addresses.erase(std::unique(answer.addresses.begin(), answer.addresses.end()),
                         answer.addresses.end());
  answer.ttl = std::chrono::seconds(std::max(ttl, 0));
  if (answer.addresses.empty()) {
    answer.failure = ares_strerror(status == ARES_SUCCESS ? ARES_ENODATA : status);
  }
  return answer;
}

class AresChannel final : public DnsChannel {
 public:
  explicit AresChannel(net::Loop& loop)
      : loop_(loop), deadline_(loop, [this] { process(ARES_SOCKET_BAD, ARES_SOCKET_BAD); }) {}
  ~AresChannel() override {
    alive_.reset();
    if (channel_ != nullptr) {
      ares_destroy(channel_);
    }
  }

  // An error, or empty.
  std::string start(const std::vector<std::string>& servers, SearchDomains search) {
    ares_options options{};
    options.sock_state_cb = &AresChannel::on_socket;
    options.sock_state_cb_data = this;
    options.timeout = 2000;  // ms, of the first try
    options.tries = 2;
    options.ndomains = 0;
    char lookups[] = "fb";  // /etc/hosts, then DNS
    options.lookups = lookups;
    const int status = ares_init_options(
        &channel_, &options,
        ARES_OPT_SOCK_STATE_CB | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
            (search == SearchDomains::kIgnored ? ARES_OPT_DOMAINS : 0));
    if (status != ARES_SUCCESS) {
      channel_ = nullptr;
      return std::string("DNS is not available: ") + ares_strerror(status);
    }
    std::string list;
    for (const std::string& server : servers) {
      list += (list.empty() ? "" : ",") + server;
    }
    if (!list.empty() && ares_set_servers_ports_csv(channel_, list.c_str()) != ARES_SUCCESS) {
      return "not a list of DNS servers: " + list;
    }
    return {};
  }

  void ask(const std::string& name, Callback callback) override {
    auto question = std::make_unique<Question>(this, alive_, std::move(callback));
    ares_addrinfo_hints hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = ARES_AI_NOSORT;
    ares_getaddrinfo(channel_, name.c_str(), nullptr, &hints, &AresChannel::on_answer,
                     question.release());
    arm();
  }

 private:
  struct Question {
    AresChannel* channel;
    std::weak_ptr<const char> alive;
    Callback callback;
  };

  // May be called from inside ask() or the channel's end: the answer is posted.
  static void on_answer(void* argument, int status, int /*timeouts*/, ares_addrinfo* info) {
    const std::unique_ptr<Question> question(static_cast<Question*>(argument));
    if (!question->alive.expired()) {
      question->channel->loop_.post([alive = question->alive,
                                     callback = std::move(question->callback),
                                     answer = answer_of(status, info)]() mutable {
        if (!alive.expired()) {
          callback(std::move(answer));
        }
      });
    }
    if (info != nullptr) {
      ares_freeaddrinfo(info);
    }
  }

  static void on_socket(void* self, ares_socket_t fd, int readable, int writable) {
    static_cast<AresChannel*>(self)->watch(fd, readable != 0, writable != 0);
  }

  void watch(ares_socket_t fd, bool readable, bool writable) {
    watches_.erase(fd);
    if (!readable && !writable) {
      return;
    }
    watches_[fd] = loop_.watch(fd, readable, writable, [this, fd](bool can_read, bool can_write) {
      process(can_read ? fd : ARES_SOCKET_BAD, can_write ? fd : ARES_SOCKET_BAD);
    });
  }

  void process(ares_socket_t readable, ares_socket_t writable) {
    ares_process_fd(channel_, readable, writable);
    arm();
  }

  void arm() {
    timeval wait{};
    if (ares_timeout(channel_, nullptr, &wait) == nullptr) {
      deadline_.cancel();
      return;
    }
    deadline_.arm(std::chrono::milliseconds(wait.tv_sec * 1000 + wait.tv_usec / 1000 + 1));
  }

  net::Loop& loop_;
  ares_channel channel_ = nullptr;
  std::map<ares_socket_t, std::unique_ptr<net::FdWatch>> watches_;
  net::Deadline deadline_;
  std::shared_ptr<const char> alive_ = std::make_shared<const char>('\0');
};

}  // namespace

std::expected<std::unique_ptr<DnsChannel>, std::string> DnsChannel::open(
    net::Loop& loop, const std::vector<std::string>& servers, SearchDomains search) {
  auto channel = std::make_unique<AresChannel>(loop);
  if (std::string error = channel->start(servers, search); !error.empty()) {
    return std::unexpected(std::move(error));
  }
  return channel;
}

}  // namespace portico::kube
