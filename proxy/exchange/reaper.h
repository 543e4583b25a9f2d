// Where connections go to die: freed from the loop, once nothing of theirs is on the stack any
// more.
#pragma once

#include <memory>
#include <vector>

#include "proxy/net/loop.h"

namespace portico::exchange {

class Mortal {
 public:
  virtual ~Mortal() = default;
};

// Thread:    worker-bound.
// Lifetime:  outlives what is given to it; frees the rest when it dies.
class Reaper {
 public:
  explicit Reaper(net::Loop& loop) : loop_(loop) {}

  void take(std::unique_ptr<Mortal> dead) {
    if (dead_.empty()) {
      loop_.post([this] { free_all(); });
    }
    dead_.push_back(std::move(dead));
  }
  // Now; for an owner that ends before its loop could. What dies may bring others here.
  void free_all() {
    dying_.swap(dead_);
    dying_.clear();
  }

 private:
  net::Loop& loop_;
  std::vector<std::unique_ptr<Mortal>> dead_;
  std::vector<std::unique_ptr<Mortal>> dying_;  // keeps its memory from batch to batch
};

}  // namespace portico::exchange
