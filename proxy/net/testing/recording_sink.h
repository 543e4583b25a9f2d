// A sink that writes down what it is told.
#pragma once

#include <functional>
#include <string>

#include "proxy/net/transport.h"

namespace portico::net::testing {

class RecordingSink final : public TransportSink {
 public:
  std::size_t on_bytes(std::span<char> bytes) override {
    ++offers;
    last_offer = std::string(bytes.data(), bytes.size());
    if (before_take) {
      before_take();
      return bytes.size();
    }
    const std::size_t taken = std::min(bytes.size(), take_at_most);
    received.append(bytes.data(), taken);
    return taken;
  }
  void on_end() override {
    ++ends;
    run(at_end);
  }
  void on_drained() override {
    ++drains;
    run(at_drained);
  }
  void on_error(TransportError e) override {
    error = e;
    ++errors;
    run(at_error);
  }

  std::size_t take_at_most = SIZE_MAX;
  std::function<void()> before_take;  // may destroy the transport
  std::function<void()> at_end;
  std::function<void()> at_drained;
  std::function<void()> at_error;

  std::string received;
  std::string last_offer;
  int offers = 0;
  int ends = 0;
  int drains = 0;
  int errors = 0;
  TransportError error = TransportError::kNone;

 private:
  static void run(const std::function<void()>& hook) {
    if (hook) {
      hook();
    }
  }
};

inline bool write(Transport& transport, std::string_view bytes) {
  const iovec piece{.iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size()};
  return transport.write({&piece, 1});
}

}  // namespace portico::net::testing
