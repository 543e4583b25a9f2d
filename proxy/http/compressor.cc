#include "proxy/http/compressor.h"

#include <algorithm>
#include <utility>

namespace portico::http {
namespace {

std::unique_ptr<Compressor> make(ContentCoding coding) {
  switch (coding) {
    case ContentCoding::kGzip:
      return make_gzip_compressor();
    case ContentCoding::kBrotli:
      return make_brotli_compressor();
    case ContentCoding::kZstd:
      return make_zstd_compressor();
    case ContentCoding::kIdentity:
      break;
  }
  return nullptr;
}

}  // namespace

std::string_view coding_name(ContentCoding coding) {
  switch (coding) {
    case ContentCoding::kGzip:
      return "gzip";
    case ContentCoding::kBrotli:
      return "br";
    case ContentCoding::kZstd:
      return "zstd";
    case ContentCoding::kIdentity:
      break;
  }
  return {};
}

Levels coder_levels(ContentCoding coding) {
  switch (coding) {
    case ContentCoding::kGzip:
      return {.lowest = 1, .highest = 9};
    case ContentCoding::kBrotli:
      return {.lowest = 0, .highest = 9};
    case ContentCoding::kZstd:
      return {.lowest = 1, .highest = 9};
    case ContentCoding::kIdentity:
      break;
  }
  return {};
}

std::size_t coder_bytes(ContentCoding coding) {
  constexpr std::size_t kKiB = 1024;
  switch (coding) {
    case ContentCoding::kGzip:
      return 268 * kKiB;
    case ContentCoding::kBrotli:
      return 2400 * kKiB;
    case ContentCoding::kZstd:
      return 1000 * kKiB;
    case ContentCoding::kIdentity:
      break;
  }
  return 0;
}

LentCompressor& LentCompressor::operator=(LentCompressor&& other) noexcept {
  if (this != &other) {
    give_back();
    pool_ = other.pool_;
    coding_ = other.coding_;
    coder_ = std::move(other.coder_);
  }
  return *this;
}

void LentCompressor::give_back() {
  if (coder_ != nullptr) {
    pool_->take_back(coding_, std::move(coder_));
  }
}

LentCompressor CompressorPool::lend(ContentCoding coding, int level) {
  const auto bytes = coder_bytes(coding);
  if (coding == ContentCoding::kIdentity || lent_bytes_ + bytes > budget_bytes_) {
    return {};
  }
  auto& spare = spare_[static_cast<std::size_t>(coding)];
  std::unique_ptr<Compressor> coder;
  if (spare.empty()) {
    coder = make(coding);
  } else {
    coder = std::move(spare.back());
    spare.pop_back();
  }
  const auto levels = coder_levels(coding);
  coder->start(std::clamp(level, levels.lowest, levels.highest));
  lent_bytes_ += bytes;
  return {*this, coding, std::move(coder)};
}

void CompressorPool::take_back(ContentCoding coding, std::unique_ptr<Compressor> coder) {
  lent_bytes_ -= coder_bytes(coding);
  auto& spare = spare_[static_cast<std::size_t>(coding)];
  if (spare.size() < kSpare) {
    spare.push_back(std::move(coder));
  }
}

}  // namespace portico::http
