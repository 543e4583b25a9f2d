#include <cstdlib>
#include <utility>
#include <zstd.h>

#include "proxy/http/compressor.h"

namespace portico::http {
namespace {

// RFC 9659 lets a coder use 8 MiB; 64 KiB, in the tables too, keep every level under 1 MB.
constexpr int kWindowBits = 16;

class ZstdCompressor final : public Compressor {
 public:
  ZstdCompressor() : context_(ZSTD_createCCtx()) {
    if (context_ == nullptr) {
      std::abort();  // no memory
    }
  }
  ~ZstdCompressor() override { ZSTD_freeCCtx(context_); }

  void start(int level) override {
    ZSTD_CCtx_reset(context_, ZSTD_reset_session_and_parameters);
    ZSTD_CCtx_setParameter(context_, ZSTD_c_compressionLevel, level);
    ZSTD_CCtx_setParameter(context_, ZSTD_c_windowLog, kWindowBits);
    ZSTD_CCtx_setParameter(context_, ZSTD_c_hashLog, kWindowBits);
    ZSTD_CCtx_setParameter(context_, ZSTD_c_chainLog, kWindowBits);
  }

  Step step(std::span<const char> in, std::span<char> out, Until until) override {
    ZSTD_inBuffer input{.src = in.data(), .size = in.size(), .pos = 0};
    ZSTD_outBuffer output{.dst = out.data(), .size = out.size(), .pos = 0};
    const auto left_inside = ZSTD_compressStream2(context_, &output, &input, directive(until));
    if (ZSTD_isError(left_inside) != 0) {
      std::abort();  // no memory
    }
    const bool all_taken = input.pos == input.size;
    return {.taken = input.pos,
            .written = output.pos,
            .done = all_taken &&
                    (until == Until::kMoreComes ? output.pos < output.size : left_inside == 0)};
  }

 private:
  static ZSTD_EndDirective directive(Until until) {
    switch (until) {
      case Until::kMoreComes:
        return ZSTD_e_continue;
      case Until::kFlushed:
        return ZSTD_e_flush;
      case Until::kEnd:
        return ZSTD_e_end;
    }
    std::unreachable();
  }

  ZSTD_CCtx* context_;
};

}  // namespace

std::unique_ptr<Compressor> make_zstd_compressor() {
  return std::make_unique<ZstdCompressor>();
}

}  // namespace portico::http
