#include "controller/kube/dns_resolver.h"

#include <algorithm>
#include <arpa/inet.h>
#include <utility>

#include "controller/kube/dns_channel.h"
#include "proxy/net/deadline.h"
#include "proxy/net/loop.h"

namespace portico::kube {
namespace {

bool is_address(const std::string& text) {
  in6_addr bytes{};
  return inet_pton(AF_INET, text.c_str(), &bytes) == 1 ||
         inet_pton(AF_INET6, text.c_str(), &bytes) == 1;
}

}  // namespace

std::chrono::milliseconds next_question(const DnsOptions& options, const DnsAnswer& answer,
                                        int failures) {
  if (!answer.addresses.empty()) {
    return std::clamp<std::chrono::milliseconds>(answer.ttl, options.shortest, options.longest);
  }
  constexpr int kMostDoublings = 16;
  const auto wait = options.shortest * (1 << std::min(std::max(failures - 1, 0), kMostDoublings));
  return std::min(wait, options.longest_after_failure);
}

struct DnsResolver::Name {
  std::string text;
  Resolution known;
  bool is_known = false;
  int failures = 0;
  std::unique_ptr<net::Deadline> again;
  // Shared, so that a callback that is running may drop its watch.
  std::vector<std::shared_ptr<Callback>> callbacks;
};

class DnsResolver::NameWatch final : public Watch {
 public:
  NameWatch(std::shared_ptr<Name> name, std::shared_ptr<Callback> callback)
      : name_(std::move(name)), callback_(std::move(callback)) {}
  ~NameWatch() override { std::erase(name_->callbacks, callback_); }

 private:
  std::shared_ptr<Name> name_;
  std::shared_ptr<Callback> callback_;
};

std::expected<std::unique_ptr<DnsResolver>, std::string> DnsResolver::open(net::Loop& loop,
                                                                           DnsOptions options) {
  auto channel = DnsChannel::open(loop, options.servers);
  if (!channel) {
    return std::unexpected(channel.error());
  }
  return std::unique_ptr<DnsResolver>(
      new DnsResolver(loop, std::move(options), std::move(*channel)));
}

DnsResolver::DnsResolver(net::Loop& loop, DnsOptions options, std::unique_ptr<DnsChannel> channel)
    : loop_(loop), options_(std::move(options)), channel_(std::move(channel)) {}

DnsResolver::~DnsResolver() {
  for (auto& [text, weak] : names_) {
    if (const auto name = weak.lock()) {
      name->again.reset();
      name->callbacks.clear();
    }
  }
}

std::unique_ptr<DnsResolver::Watch> DnsResolver::watch(const std::string& text, Callback callback) {
  auto shared = std::make_shared<Callback>(std::move(callback));
  std::weak_ptr<Name>& slot = names_[text];
  std::shared_ptr<Name> name = slot.lock();
  if (name == nullptr) {
    std::erase_if(names_,
                  [&](const auto& entry) { return entry.first != text && entry.second.expired(); });
    name = std::make_shared<Name>();
    name->text = text;
    slot = name;
    if (is_address(text)) {
      name->known.addresses = {text};
      name->is_known = true;
    } else {
      name->again =
          std::make_unique<net::Deadline>(loop_, [this, weak = std::weak_ptr<Name>(name)] {
            if (const auto due = weak.lock()) {
              ask(due);
            }
          });
      ask(name);
    }
  }
  name->callbacks.push_back(shared);
  if (name->is_known) {
    // Only this watch: the others know. An answer that comes before is told twice, harmlessly.
    loop_.post([weak = std::weak_ptr<Name>(name), only = std::weak_ptr<Callback>(shared)] {
      const auto known = weak.lock();
      const auto told = only.lock();
      const bool is_watched = known != nullptr && std::count(known->callbacks.begin(),
                                                             known->callbacks.end(), told) != 0;
      if (told != nullptr && is_watched) {
        (*told)(known->known);
      }
    });
  }
  return std::make_unique<NameWatch>(std::move(name), std::move(shared));
}

void DnsResolver::ask(const std::shared_ptr<Name>& name) {
  channel_->ask(name->text, [this, weak = std::weak_ptr<Name>(name)](DnsAnswer answer) {
    if (const auto asked = weak.lock()) {
      take(asked, std::move(answer));
    }
  });
}

void DnsResolver::take(const std::shared_ptr<Name>& name, DnsAnswer answer) {
  name->failures = answer.addresses.empty() ? name->failures + 1 : 0;
  name->again->arm(next_question(options_, answer, name->failures));
  auto& known = name->known;
  if (answer.addresses.empty()) {
    answer.addresses = known.addresses;
  }
  const bool is_news = !std::exchange(name->is_known, true) ||
                       known.addresses != answer.addresses || known.failure != answer.failure;
  known = {std::move(answer.addresses), std::move(answer.failure)};
  if (is_news) {
    tell(name);
  }
}

// A callback may drop watches, and with the last of them the name.
void DnsResolver::tell(const std::shared_ptr<Name>& name) {
  // NOLINTNEXTLINE(performance-unnecessary-copy-initialization): `name` may be one that goes.
  const std::shared_ptr<Name> kept = name;
  const auto callbacks = kept->callbacks;
  const auto known = kept->known;
  for (const auto& callback : callbacks) {
    if (std::count(kept->callbacks.begin(), kept->callbacks.end(), callback) != 0) {
      (*callback)(known);
    }
  }
}

}  // namespace portico::kube
