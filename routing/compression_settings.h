// Which answers are compressed, as an operator sets it for all routes (docs/configmap.md).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace portico::routing {

struct CodingSettings {
  bool enabled = false;
  int level = 1;
  std::uint64_t min_length_bytes = 0;  // of an answer that says its length; others always qualify
  // Media types in lower case, besides text/html, which always qualifies; "*" is every type.
  std::vector<std::string> types;

  bool operator==(const CodingSettings&) const = default;
};

// The media types that ingress-nginx compresses; Brotli's and Zstandard's have one more.
[[nodiscard]] std::vector<std::string> default_gzip_types();
[[nodiscard]] std::vector<std::string> default_brotli_types();

// Defaults are ingress-nginx's; Zstandard, which it does not have, is set as gzip is.
struct CompressionSettings {
  CodingSettings gzip{.level = 1, .min_length_bytes = 256, .types = default_gzip_types()};
  CodingSettings brotli{.level = 4, .min_length_bytes = 20, .types = default_brotli_types()};
  CodingSettings zstd{.level = 3, .min_length_bytes = 256, .types = default_brotli_types()};

  [[nodiscard]] bool any() const { return gzip.enabled || brotli.enabled || zstd.enabled; }
  bool operator==(const CompressionSettings&) const = default;
};

}  // namespace portico::routing
