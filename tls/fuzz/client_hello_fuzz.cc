// A hello that OpenSSL takes is read with the same result; what is incomplete is not whole
// before the moment that was said, and is not fed.
#include <cstdlib>

#include "tls/testing/hello_oracle.h"

namespace {

using namespace portico::tls;  // a fuzz target is one file about one namespace

void require(bool condition) {
  if (!condition) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto read = [bytes](std::size_t length) {
    const auto first = bytes.substr(0, length);
    return read_client_hello({first.data(), first.size()});
  };
  const auto result = read(size);
  if (const auto expected = testing::openssl_reads(bytes)) {
    require(std::holds_alternative<ClientHello>(result));
    require(std::get<ClientHello>(result) == *expected);
  }
  const auto fed = hello_bytes_to_feed({bytes.data(), bytes.size()});
  require(fed.value_or(0) <= size);
  if (fed.value_or(0) > 0) {
    const bool begins_with_handshake = data[0] == 22;
    require(!begins_with_handshake || !std::holds_alternative<ClientHelloIncomplete>(read(*fed)));
  }
  if (size == 0) {
    return 0;
  }
  const auto cut = data[0] * size / 256;
  const auto before = read(cut);
  if (const auto* incomplete = std::get_if<ClientHelloIncomplete>(&before)) {
    require(cut + incomplete->more <= size || !std::holds_alternative<ClientHello>(result));
  } else {
    require(before.index() == result.index());
  }
  return 0;
}
