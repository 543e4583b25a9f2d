// std::string::assign() for heads, whose strings nearly always have the memory already.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace portico::http {

// At half the price of libstdc++'s own, which looks whether `text` lies in `to`: here it never
// does.
inline void assign(std::string& to, std::string_view text) {
  to.resize_and_overwrite(
      text.size(), [text](char* begin, std::size_t) { return text.copy(begin, text.size()); });
}

}  // namespace portico::http
