// X-Forwarded-For and Forwarded: what is found is an address, and what is written can be read.
#include <cstdlib>
#include <string>

#include "routing/client_address.h"

namespace {

using namespace portico::routing;  // a fuzz target is one file about one namespace

void require(bool condition) {
  if (!condition) {
    std::abort();
  }
}

bool is_address(std::string_view text) {
  std::array<std::uint8_t, 16> buffer;
  return !parse_ip(text, buffer).empty();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const ClientAddressSettings trusting{.trusted_proxies = *CidrSet::parse("10.0.0.0/8")};
  ForwardedWalk walk(trusting);
  walk.take_list(input);
  require(walk.client().empty() || is_address(walk.client()));
  require(forwarded_port(input).size() <= 5);
  (void)forwarded_https(input);

  const ForwardedElements elements(input);
  for (const auto element : elements.all()) {
    const auto read = ForwardedElements::read(element);
    const auto address = read ? address_of_node(read->node) : std::string_view();
    if (address.empty()) {
      continue;
    }
    require(is_address(address));
    std::string written;
    append_forwarded(written, address, "a.example:80", "https");
    const ForwardedElements again(written);
    require(again.all().size() == 1);
    require(address_of_node(ForwardedElements::read(again.all()[0])->node) == address);
  }
  return 0;
}
