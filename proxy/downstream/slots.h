// What a connection needs only while it has a request: lent by the worker, so that an idle
// connection is small.
#pragma once

#include <memory>
#include <vector>

#include "proxy/exchange/exchange.h"
#include "proxy/exchange/h1_writer.h"
#include "proxy/exchange/reaper.h"
#include "proxy/http/h1_decoder.h"

namespace portico::downstream {

struct Slot final : exchange::Mortal {
  explicit Slot(exchange::Context& context)
      : decoder(context.options.head_limits), exchange(context) {}
  http::RequestDecoder decoder;
  exchange::Exchange exchange;
  exchange::H1Writer out;
};

// Thread: worker-bound. Slots are used again, warm ones first; at most kSpare are kept.
class Slots {
 public:
  Slots(exchange::Context& context, exchange::Reaper& reaper)
      : context_(context), reaper_(reaper) {}

  std::unique_ptr<Slot> take() {
    if (spare_.empty()) {
      return std::make_unique<Slot>(context_);
    }
    auto slot = std::move(spare_.back());
    spare_.pop_back();
    return slot;
  }

  void give_back(std::unique_ptr<Slot> slot) {
    slot->out.clear();
    slot->decoder.next_message();
    if (spare_.size() < kSpare) {
      spare_.push_back(std::move(slot));
      return;
    }
    reaper_.take(std::move(slot));
  }

  // Not lent now.
  [[nodiscard]] std::size_t spare() const { return spare_.size(); }

 private:
  static constexpr std::size_t kSpare = 256;
  exchange::Context& context_;
  exchange::Reaper& reaper_;
  std::vector<std::unique_ptr<Slot>> spare_;
};

}  // namespace portico::downstream
