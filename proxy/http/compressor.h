// Content codings (RFC 9110 8.4.1): bytes in, coded bytes out.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace portico::http {

enum class ContentCoding : std::uint8_t { kIdentity, kGzip, kBrotli, kZstd };
inline constexpr std::size_t kContentCodings = 4;

// As Content-Encoding names it; empty for kIdentity.
std::string_view coding_name(ContentCoding coding);

// One body after the other through one coder.
//
// Thread:  worker-bound.
// Memory:  bounded by coder_bytes(), whatever the body: windows are small ones.
// Errors:  none: any bytes can be coded. Without memory for its tables the process ends.
class Compressor {
 public:
  enum class Until : std::uint8_t {
    kMoreComes,  // what is given may stay inside
    kFlushed,    // all that was given can be decoded from what came out
    kEnd,        // the body is whole
  };
  struct Step {
    std::size_t taken = 0;
    std::size_t written = 0;
    bool done = false;  // all of `in` was taken, and what `until` asks for is out
  };

  Compressor() = default;
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;
  virtual ~Compressor() = default;

  // Forgets the body before. `level` is one of coder_levels().
  virtual void start(int level) = 0;
  // Takes what it can of `in` and writes what fits into `out`. Until it is done it is called again
  // with what was not taken and the same `until`.
  virtual Step step(std::span<const char> in, std::span<char> out, Until until) = 0;
};

std::unique_ptr<Compressor> make_gzip_compressor();
std::unique_ptr<Compressor> make_brotli_compressor();
std::unique_ptr<Compressor> make_zstd_compressor();

// The levels that a coder takes: the dearest ones would hold up a worker's other clients for as
// long as a tenth of a second for what one read brings.
struct Levels {
  int lowest = 0;
  int highest = 0;
};
Levels coder_levels(ContentCoding coding);

// The most that a coder holds while it is used, at any of those levels.
std::size_t coder_bytes(ContentCoding coding);

class CompressorPool;

// A Compressor that is lent, and goes back when this dies; may be empty.
class LentCompressor {
 public:
  LentCompressor() = default;
  LentCompressor(CompressorPool& pool, ContentCoding coding, std::unique_ptr<Compressor> coder)
      : pool_(&pool), coding_(coding), coder_(std::move(coder)) {}
  LentCompressor(LentCompressor&&) noexcept = default;
  LentCompressor& operator=(LentCompressor&& other) noexcept;
  ~LentCompressor() { give_back(); }

  explicit operator bool() const { return coder_ != nullptr; }
  Compressor& operator*() const { return *coder_; }

 private:
  void give_back();

  CompressorPool* pool_ = nullptr;
  ContentCoding coding_ = ContentCoding::kIdentity;
  std::unique_ptr<Compressor> coder_;
};

// A worker's coders. What is lent stays within `budget_bytes`; a few of each kind are kept beside.
//
// Lifetime: outlives what it lends.
class CompressorPool {
 public:
  static constexpr std::size_t kBudgetBytes = std::size_t{128} * 1024 * 1024;

  CompressorPool() = default;
  explicit CompressorPool(std::size_t budget_bytes) : budget_bytes_(budget_bytes) {}

  // Started; empty where the budget is used up: the body then goes as it is.
  LentCompressor lend(ContentCoding coding, int level);
  [[nodiscard]] std::size_t lent_bytes() const { return lent_bytes_; }

 private:
  friend class LentCompressor;
  static constexpr std::size_t kSpare = 4;  // of each coding

  void take_back(ContentCoding coding, std::unique_ptr<Compressor> coder);

  std::size_t budget_bytes_ = kBudgetBytes;
  std::size_t lent_bytes_ = 0;
  std::array<std::vector<std::unique_ptr<Compressor>>, kContentCodings> spare_;
};

}  // namespace portico::http
