// Answers out of bytes: heads, bodies by length, by chunks or up to the end, unpacked where packed.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace portico::kube {

struct AnswerHead {
  int status = 0;
  std::string retry_after;  // as it came; see parse_retry_after()
  std::string location;
};

// One connection's answers, one after the other. A decider: it is asked what comes next, and what
// it says does not depend on how the bytes were cut (but for when it is broken, and for which of
// several reasons).
//
//   while (true) { step = next(bytes); drop step.taken bytes; act on step.event; }   until kMore
//
// Thread:    worker-bound.
// Errors:    kBroken is final; problem() says in a line what was wrong. A body is held to its
//            length, to the last chunk, or to the end of its gzip stream.
// Memory:    one piece of 64 KiB where the body is packed, else nothing of the body.
class AnswerReader {
 public:
  enum class Event : std::uint8_t {
    kMore,    // all that could be read has been: come again with more behind what was not taken
    kHead,    // head() is filled
    kPiece,   // piece(), a part of the body, never empty; good until the next call
    kEnd,     // the answer is whole; start() comes before the next one
    kBroken,  // problem()
  };
  struct Step {
    Event event = Event::kMore;
    std::size_t taken = 0;
  };
  static constexpr std::size_t kMaxHead = std::size_t{32} * 1024;

  AnswerReader();
  ~AnswerReader();
  AnswerReader(const AnswerReader&) = delete;
  AnswerReader& operator=(const AnswerReader&) = delete;

  // An answer is expected. `to_connect`: to CONNECT, which has no body where it is 2xx.
  void start(bool to_connect = false);
  // `bytes` must stay valid until it has said kMore, kEnd or kBroken.
  Step next(std::string_view bytes);
  // The connection ended. kEnd: that was how the answer ended; else kBroken.
  Event end();

  [[nodiscard]] const AnswerHead& head() const;
  [[nodiscard]] std::string_view piece() const;
  [[nodiscard]] const std::string& problem() const;
  // Something of the answer has come.
  [[nodiscard]] bool has_begun() const;
  // Behind kEnd: another request may be sent on the connection.
  [[nodiscard]] bool keeps_alive() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The value of a Retry-After field: seconds, or a date. Nothing where it is neither; a day at most.
std::optional<std::chrono::seconds> parse_retry_after(std::string_view value,
                                                      std::int64_t now_unix_seconds);

}  // namespace portico::kube
