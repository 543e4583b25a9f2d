#include "tls/ticket_keys.h"

#include <algorithm>
#include <utility>

#include <openssl/rand.h>

#include "tls/openssl.h"

namespace portico::tls {

TicketKeys::TicketKeys(std::chrono::seconds period, Now now)
    : period_(period), now_(std::move(now)), born_(now_()), current_(generate()) {}

TicketKeys::Key TicketKeys::current() {
  const MutexLock lock(mutex_);
  rotate_if_due();
  return shared_.empty() ? current_ : shared_.front();
}

std::optional<TicketKeys::Key> TicketKeys::read(std::string_view written) {
  if (written.size() != kWrittenBytes) {
    return std::nullopt;
  }
  Key key;
  for (auto part : {std::span<unsigned char>(key.name), std::span<unsigned char>(key.mac),
                    std::span<unsigned char>(key.cipher)}) {
    std::ranges::copy(written.substr(0, part.size()), part.begin());
    written.remove_prefix(part.size());
  }
  return key;
}

void TicketKeys::share(std::vector<Key> keys) {
  const MutexLock lock(mutex_);
  shared_ = std::move(keys);
}

std::optional<TicketKeys::Found> TicketKeys::find(std::span<const unsigned char, 16> name) {
  const MutexLock lock(mutex_);
  rotate_if_due();
  for (std::size_t i = 0; i < shared_.size(); ++i) {
    if (std::ranges::equal(name, shared_[i].name)) {
      return Found{.key = shared_[i], .is_previous = i > 0};
    }
  }
  if (std::ranges::equal(name, current_.name)) {
    return Found{.key = current_, .is_previous = !shared_.empty()};
  }
  if (previous_ && std::ranges::equal(name, previous_->name)) {
    return Found{.key = *previous_, .is_previous = true};
  }
  return std::nullopt;
}

TicketKeys::Key TicketKeys::generate() {
  Key key;
  must(RAND_bytes(key.name.data(), key.name.size()) == 1, "RAND_bytes");
  must(RAND_priv_bytes(key.cipher.data(), key.cipher.size()) == 1, "RAND_priv_bytes");
  must(RAND_priv_bytes(key.mac.data(), key.mac.size()) == 1, "RAND_priv_bytes");
  return key;
}

void TicketKeys::rotate_if_due() {
  const auto now = now_();
  const auto periods = (now - born_) / period_;
  if (periods <= 0) {
    return;
  }
  // Nobody asked for two periods: the current key is as old as a previous one that has expired.
  previous_ = periods == 1 ? std::optional(current_) : std::nullopt;
  current_ = generate();
  born_ += periods * period_;
}

}  // namespace portico::tls
