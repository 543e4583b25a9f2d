#include "proxy/exchange/context.h"

#include <utility>

namespace portico::exchange {

ConfigPin::~ConfigPin() {
  home_.post([config = std::move(config_)] {});
}

std::size_t Balancers::pick(routing::BackendId backend, std::size_t endpoints) {
  const auto index = static_cast<std::size_t>(backend);
  while (places_.size() <= index) {
    places_.emplace_back(seed_ + static_cast<std::uint32_t>(places_.size()));
  }
  return places_[index].pick(endpoints);
}

void Context::adopt(ConfigPointer next) {
  config = std::move(next);
  clients = config->config().settings->clients;
  for (auto exchange = pinned.begin(); exchange != pinned.end();) {
    (exchange++)->let_go_of_config();
  }
}

}  // namespace portico::exchange
