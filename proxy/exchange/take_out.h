// Owned things in no order, each of which knows its place.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace portico::exchange {

// The last one moves to the place that becomes free.
template <class T>
std::unique_ptr<T> take_out(std::vector<std::unique_ptr<T>>& from, std::size_t index) {
  auto taken = std::move(from[index]);
  if (index + 1 != from.size()) {
    from[index] = std::move(from.back());
    from[index]->index = index;
  }
  from.pop_back();
  return taken;
}

}  // namespace portico::exchange
