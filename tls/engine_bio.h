// What an SSL reads from and writes to: a span that was fed and a bounded buffer. For this folder's
// .cc files only.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <span>

#include "tls/openssl.h"

namespace portico::tls {

// Bytes to be sent, in one piece: appended at the end, consumed at the front. Holds no memory while
// it is empty.
class OutputBuffer {
 public:
  explicit OutputBuffer(std::size_t bound_bytes) : bound_(bound_bytes) {}

  [[nodiscard]] std::span<const char> bytes() const { return {memory_.get() + begin_, size()}; }
  [[nodiscard]] std::size_t size() const { return end_ - begin_; }
  [[nodiscard]] std::size_t room() const { return bound_ - size(); }

  // Makes sure that `bytes` more, but never more than the bound, fit without another allocation.
  void reserve(std::size_t bytes);
  // False, and nothing done, where it would exceed the bound.
  bool append(std::span<const char> bytes);
  void consume(std::size_t bytes);

 private:
  struct Free {
    void operator()(char* memory) const { std::free(memory); }
  };

  const std::size_t bound_;
  std::unique_ptr<char, Free> memory_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

struct EngineBio {
  std::span<const char> input;
  OutputBuffer output;
};

// A BIO that takes from `ends.input` and appends to `ends.output`, and asks to retry where one is
// empty or the other full. `ends` must outlive it.
BioPtr make_engine_bio(EngineBio& ends);

}  // namespace portico::tls
