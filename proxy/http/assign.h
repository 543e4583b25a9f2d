// Strings of heads, which are used again and so nearly always have the memory already.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace portico::http {

// std::string::assign() at half the price of libstdc++'s own, which looks whether `text` lies in
// `to`: here it never does.
inline void assign(std::string& to, std::string_view text) {
  to.resize_and_overwrite(
      text.size(), [text](char* begin, std::size_t) { return text.copy(begin, text.size()); });
}

// Keeps the memory of a usual text: a large one must not be kept for ever in each of many heads.
inline void clear_and_shrink(std::string& text) {
  constexpr std::size_t kKeptBytes = std::size_t{4} * 1024;
  text.clear();
  if (text.capacity() > kKeptBytes) {
    text.shrink_to_fit();
  }
}

}  // namespace portico::http
