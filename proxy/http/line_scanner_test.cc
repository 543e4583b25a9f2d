#include "proxy/http/line_scanner.h"

#include <string>

#include <gtest/gtest.h>

namespace portico::http {
namespace {

TEST(FindControl, FindsTheFirstAtEveryPlaceInEveryLength) {
  for (std::size_t size = 0; size < 70; ++size) {
    const std::string clean(size, '\t');
    EXPECT_EQ(find_control(clean.data(), clean.data() + size), clean.data() + size);
    for (std::size_t at = 0; at < size; ++at) {
      for (const char control : {'\0', '\n', '\r', '\x1f', '\x7f'}) {
        std::string text(size, at % 2 == 0 ? '\xff' : ' ');
        text[at] = control;
        text.back() = at + 1 == size ? control : '\0';
        EXPECT_EQ(find_control(text.data(), text.data() + size) - text.data(),
                  static_cast<std::ptrdiff_t>(at));
      }
    }
  }
}

TEST(FindControl, PassesEveryOtherByte) {
  for (int byte = 0; byte < 256; ++byte) {
    const bool control = (byte < 0x20 && byte != '\t') || byte == 0x7f;
    const std::string text(20, static_cast<char>(byte));
    EXPECT_EQ(find_control(text.data(), text.data() + 20) == text.data(), control) << byte;
    EXPECT_EQ(find_control(text.data(), text.data() + 1) == text.data(), control) << byte;
  }
}

}  // namespace
}  // namespace portico::http
