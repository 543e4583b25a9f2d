#include <brotli/encode.h>
#include <cstdlib>
#include <utility>

#include "proxy/http/compressor.h"

namespace portico::http {
namespace {

// With 64 KiB Brotli takes tables of 2 MB at every level; with more, up to 35 MB from level 7 on.
constexpr std::uint32_t kWindowBits = 16;

class BrotliCompressor final : public Compressor {
 public:
  ~BrotliCompressor() override { BrotliEncoderDestroyInstance(encoder_); }

  // Brotli can't be reset.
  void start(int level) override {
    BrotliEncoderDestroyInstance(encoder_);
    encoder_ = BrotliEncoderCreateInstance(nullptr, nullptr, nullptr);
    if (encoder_ == nullptr) {
      std::abort();  // no memory
    }
    BrotliEncoderSetParameter(encoder_, BROTLI_PARAM_QUALITY, static_cast<std::uint32_t>(level));
    BrotliEncoderSetParameter(encoder_, BROTLI_PARAM_LGWIN, kWindowBits);
  }

  Step step(std::span<const char> in, std::span<char> out, Until until) override {
    std::size_t left = in.size();
    std::size_t room = out.size();
    const auto* next_in = reinterpret_cast<const std::uint8_t*>(in.data());
    auto* next_out = reinterpret_cast<std::uint8_t*>(out.data());
    if (BrotliEncoderCompressStream(encoder_, operation(until), &left, &next_in, &room, &next_out,
                                    nullptr) == BROTLI_FALSE) {
      std::abort();  // no memory
    }
    const bool emptied = left == 0 && BrotliEncoderHasMoreOutput(encoder_) == BROTLI_FALSE;
    return {.taken = in.size() - left,
            .written = out.size() - room,
            .done = emptied &&
                    (until != Until::kEnd || BrotliEncoderIsFinished(encoder_) == BROTLI_TRUE)};
  }

 private:
  static BrotliEncoderOperation operation(Until until) {
    switch (until) {
      case Until::kMoreComes:
        return BROTLI_OPERATION_PROCESS;
      case Until::kFlushed:
        return BROTLI_OPERATION_FLUSH;
      case Until::kEnd:
        return BROTLI_OPERATION_FINISH;
    }
    std::unreachable();
  }

  BrotliEncoderState* encoder_ = nullptr;
};

}  // namespace

std::unique_ptr<Compressor> make_brotli_compressor() {
  return std::make_unique<BrotliCompressor>();
}

}  // namespace portico::http
