// The first bytes of a request's body, kept so that they can be sent to another endpoint.
//
// Only of requests that may be tried again, only while their answer's head is awaited, and only up
// to a bound: beyond it the request is sent once, as a longer body streams.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace portico::exchange {

// Thread: its worker's.
class ReplayBuffers {
 public:
  static constexpr std::size_t kBytes = std::size_t{16} * 1024;
  using Buffer = std::unique_ptr<char[]>;  // of kBytes

  [[nodiscard]] Buffer take();
  void give_back(Buffer buffer);

 private:
  std::vector<Buffer> spare_;
};

// Thread:    its exchange's worker.
// Lifetime:  a part of its exchange, used again for the next request after begin().
class BodyReplay {
 public:
  explicit BodyReplay(ReplayBuffers& buffers) : buffers_(buffers) {}

  // For a request of whose body nothing was taken; what is taken is only kept where `keeps`.
  void begin(bool keeps) {
    stop();
    keeps_ = keeps;
    holds_all_ = true;
  }
  // Taken from the client.
  void add(std::span<const char> piece) {
    if (holds_all_) {
      keep(piece);
    }
  }
  // It will not be sent again.
  void stop();

  // Whatever was taken can be sent again.
  [[nodiscard]] bool holds_all() const { return holds_all_; }
  [[nodiscard]] std::span<const char> bytes() const { return {buffer_.get(), size_}; }

 private:
  void keep(std::span<const char> piece);

  ReplayBuffers& buffers_;
  ReplayBuffers::Buffer buffer_;  // null: nothing is held
  std::size_t size_ = 0;
  bool keeps_ = false;
  bool holds_all_ = false;
};

}  // namespace portico::exchange
