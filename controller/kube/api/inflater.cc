// The only file that knows zlib.
#include "controller/kube/api/inflater.h"

#include <cstdio>
#include <cstdlib>
#include <zlib.h>

namespace portico::kube {
namespace {

constexpr int kGzipOnly = 16 + MAX_WBITS;

}  // namespace

Inflater::Inflater()
    : stream_(std::make_unique<z_stream_s>()), piece_(std::make_unique<char[]>(kPiece)) {
  if (inflateInit2(stream_.get(), kGzipOnly) != Z_OK) {
    std::fprintf(stderr, "portico: zlib can't be set up\n");
    std::abort();
  }
}

Inflater::~Inflater() {
  inflateEnd(stream_.get());
}

void Inflater::feed(std::string_view packed) {
  stream_->next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));  // only read
  stream_->avail_in = static_cast<uInt>(packed.size());
}

Inflater::Result Inflater::next() {
  // Without input there may still be output that had no room.
  while (stream_->avail_in > 0 || (size_ == kPiece && !whole_)) {
    if (whole_) {  // a file may have several members (RFC 1952 2.2)
      inflateReset(stream_.get());
      whole_ = false;
    }
    stream_->next_out = reinterpret_cast<Bytef*>(piece_.get());
    stream_->avail_out = kPiece;
    const int result = inflate(stream_.get(), Z_SYNC_FLUSH);
    size_ = kPiece - stream_->avail_out;
    whole_ = result == Z_STREAM_END;
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
      return Result::kBroken;
    }
    if (size_ > 0) {
      return Result::kPiece;
    }
  }
  return Result::kMore;
}

}  // namespace portico::kube
