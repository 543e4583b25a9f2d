#include "proxy/exchange/context.h"

#include <utility>

namespace portico::exchange {

ConfigPin::~ConfigPin() {
  home_.post([config = std::move(config_)] {});
}

void Context::adopt(ConfigPointer next) {
  config = std::move(next);
  clients = config->config().settings->clients;
  for (auto exchange = pinned.begin(); exchange != pinned.end();) {
    (exchange++)->let_go_of_config();
  }
}

}  // namespace portico::exchange
