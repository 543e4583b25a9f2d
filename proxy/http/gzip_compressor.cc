#include <cstdlib>
#include <utility>
#include <zlib.h>

#include "proxy/http/compressor.h"

namespace portico::http {
namespace {

constexpr int kGzipWindowBits = MAX_WBITS + 16;  // 32 KiB, with gzip's frame around it
constexpr int kMemoryLevel = 8;

class GzipCompressor final : public Compressor {
 public:
  ~GzipCompressor() override { end(); }

  void start(int level) override {
    if (level_ == level) {
      deflateReset(&stream_);
      return;
    }
    end();
    stream_ = {};
    if (deflateInit2(&stream_, level, Z_DEFLATED, kGzipWindowBits, kMemoryLevel,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
      std::abort();  // no memory, or a level that no reader of settings lets pass
    }
    level_ = level;
  }

  Step step(std::span<const char> in, std::span<char> out, Until until) override {
    // zlib does not write through next_in.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
    stream_.avail_in = static_cast<uInt>(in.size());
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(out.size());
    const int result = deflate(&stream_, flush_mode(until));
    const bool room_left = stream_.avail_out > 0;  // so nothing waits inside for room
    return {
        .taken = in.size() - stream_.avail_in,
        .written = out.size() - stream_.avail_out,
        .done = until == Until::kEnd ? result == Z_STREAM_END : stream_.avail_in == 0 && room_left};
  }

 private:
  static int flush_mode(Until until) {
    switch (until) {
      case Until::kMoreComes:
        return Z_NO_FLUSH;
      case Until::kFlushed:
        return Z_SYNC_FLUSH;
      case Until::kEnd:
        return Z_FINISH;
    }
    std::unreachable();
  }

  void end() {
    if (level_ >= 0) {
      deflateEnd(&stream_);
    }
    level_ = -1;
  }

  z_stream stream_{};
  int level_ = -1;  // none: nothing is allocated
};

}  // namespace

std::unique_ptr<Compressor> make_gzip_compressor() {
  return std::make_unique<GzipCompressor>();
}

}  // namespace portico::http
