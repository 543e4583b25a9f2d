// The objects in a text, one after the other. For this folder's .cc files only.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "tls/openssl.h"

namespace portico::tls {

// One "-----BEGIN label-----" with its bytes.
struct Block {
  std::string label;
  bool encrypted = false;  // by the old way, with a Proc-Type header
  std::string der;
};

// Reads PEM, skipping text around the blocks, or bare DER objects in a row, as compact() leaves
// them.
//
// Lifetime:  `text` must outlive it.
class BlockReader {
 public:
  enum class End : std::uint8_t { kNoMore, kMalformed };

  // `der_label` is what an object without a label of its own is called.
  BlockReader(std::string_view text, const char* der_label);

  std::expected<Block, End> next();

 private:
  std::expected<Block, End> next_pem();
  std::expected<Block, End> next_der();

  std::string_view der_;  // what is left of it; null for PEM
  const char* der_label_;
  BioPtr bio_;  // null for DER
};

}  // namespace portico::tls
