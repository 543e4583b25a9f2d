// PROXY headers: read as the naive reader reads them, wherever the bytes are cut.
#include <cstdlib>
#include <string>

#include "proxy/net/proxy_header.h"
#include "proxy/net/testing/naive_proxy_header.h"

namespace {

using namespace portico::net;  // a fuzz target is one file about one namespace

void require(bool condition) {
  if (!condition) {
    std::abort();
  }
}

ProxyHeaderResult decode(const std::string& bytes) {
  return decode_proxy_header({bytes.data(), bytes.size()});
}

bool same(const ProxyHeaderResult& a, const ProxyHeaderResult& b) {
  const auto* header = std::get_if<ProxyHeader>(&a);
  return a.index() == b.index() && (header == nullptr || *header == std::get<ProxyHeader>(b));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string whole(reinterpret_cast<const char*>(data), size);
  const auto result = decode(whole);
  require(same(result, testing::naive_proxy_header(whole)));
  // Before its end a header is incomplete, whatever comes behind it; a fault stays one.
  for (std::size_t cut = 0; cut < std::min<std::size_t>(size, 600); ++cut) {
    const auto part = decode(whole.substr(0, cut));
    if (const auto* header = std::get_if<ProxyHeader>(&result)) {
      require(cut < header->bytes ? std::holds_alternative<ProxyHeaderIncomplete>(part)
                                  : same(part, result));
    } else if (std::holds_alternative<ProxyHeaderMalformed>(part)) {
      require(std::holds_alternative<ProxyHeaderMalformed>(result));
    }
  }
  return 0;
}
