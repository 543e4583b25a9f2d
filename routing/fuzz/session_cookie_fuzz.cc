// Cookie fields: the key that is found is what a reader that takes the field apart finds, and a
// cookie that was written is found again.
#include <cstdlib>
#include <string>
#include <string_view>

#include "routing/session_cookie.h"

namespace {

using namespace portico::routing;  // a fuzz target is one file about one namespace

constexpr std::string_view kName = "SID";
constexpr std::string_view kBackend = "0123456789abcdef";

void require(bool condition) {
  if (!condition) {
    std::abort();
  }
}

// By copies.
std::string naive_key(std::string cookies) {
  cookies += ';';
  for (auto end = cookies.find(';'); end != std::string::npos; end = cookies.find(';')) {
    auto pair = cookies.substr(0, end);
    cookies.erase(0, end + 1);
    while (!pair.empty() && (pair.front() == ' ' || pair.front() == '\t')) {
      pair.erase(0, 1);
    }
    while (!pair.empty() && (pair.back() == ' ' || pair.back() == '\t')) {
      pair.pop_back();
    }
    const auto begin = std::string(kName) + "=";
    const auto behind = "|" + std::string(kBackend);
    if (pair.size() > begin.size() + behind.size() && pair.starts_with(begin) &&
        pair.ends_with(behind)) {
      const auto key = pair.substr(begin.size(), pair.size() - begin.size() - behind.size());
      if (key.size() <= kMaxSessionKeyBytes) {
        return key;
      }
    }
  }
  return {};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  const auto key = find_session_key(input, kName, kBackend);
  require(key == naive_key(input));
  (void)understands_same_site_none(input);

  const AffinitySpec spec{.cookie_name = std::string(kName)};
  const auto written = write_session_cookie(
      spec, {.key = "k", .backend = kBackend, .route_path = input, .user_agent = input});
  require(find_session_key(written, kName, kBackend) == "k");
  require(written.find_first_of("\r\n") == std::string::npos);
  return 0;
}
