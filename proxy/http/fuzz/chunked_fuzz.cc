// Chunked bodies: the decoder agrees with the naive reading, however the bytes are cut.
#include <cstdlib>

#include "proxy/http/testing/chunked_oracle.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using portico::http::testing::ChunkedResult;
  using portico::http::testing::decode_chunked;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  // Beyond these lengths the decoder's bounds come into play, which the naive reading does not
  // know.
  if (size > 2048) {
    return 0;
  }
  const auto whole = decode_chunked(input, size == 0 ? 1 : size);
  const auto naive = portico::http::testing::decode_chunked_naively(input);
  if (whole != naive || decode_chunked(input, 1) != whole || decode_chunked(input, 3) != whole) {
    std::abort();
  }
  return 0;
}
