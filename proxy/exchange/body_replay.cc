#include "proxy/exchange/body_replay.h"

#include <cstring>
#include <utility>

namespace portico::exchange {
namespace {

constexpr std::size_t kMostSpare = 64;  // 1 MiB a worker

}  // namespace

ReplayBuffers::Buffer ReplayBuffers::take() {
  if (spare_.empty()) {
    return std::make_unique_for_overwrite<char[]>(kBytes);
  }
  auto buffer = std::move(spare_.back());
  spare_.pop_back();
  return buffer;
}

void ReplayBuffers::give_back(Buffer buffer) {
  if (spare_.size() < kMostSpare) {
    spare_.push_back(std::move(buffer));
  }
}

void BodyReplay::stop() {
  holds_all_ = false;
  size_ = 0;
  if (buffer_ != nullptr) {
    buffers_.give_back(std::move(buffer_));
  }
}

void BodyReplay::keep(std::span<const char> piece) {
  if (!keeps_ || piece.size() > ReplayBuffers::kBytes - size_) {
    stop();
    return;
  }
  if (buffer_ == nullptr) {
    buffer_ = buffers_.take();
  }
  std::memcpy(buffer_.get() + size_, piece.data(), piece.size());
  size_ += piece.size();
}

}  // namespace portico::exchange
