// gzip, unpacked piece by piece.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

struct z_stream_s;  // NOLINT(readability-identifier-naming): zlib's own

namespace portico::kube {

// Thread:    worker-bound.
// Memory:    zlib's window (32 KiB) and one piece.
class Inflater {
 public:
  enum class Result : std::uint8_t {
    kPiece,   // piece(), good until the next call
    kMore,    // all that was fed is used up
    kBroken,  // no gzip, or damaged
  };
  static constexpr std::size_t kPiece = std::size_t{64} * 1024;

  Inflater();
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // Replaces what was fed before, which must have been used up; valid until the next kMore.
  void feed(std::string_view packed);
  Result next();
  [[nodiscard]] std::string_view piece() const { return {piece_.get(), size_}; }
  // No member of the file is open: what was fed so far is whole.
  [[nodiscard]] bool is_whole() const { return whole_; }

 private:
  std::unique_ptr<z_stream_s> stream_;
  std::unique_ptr<char[]> piece_;
  std::size_t size_ = 0;
  bool whole_ = false;
};

}  // namespace portico::kube
