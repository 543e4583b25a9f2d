#include "proxy/exchange/context.h"

#include <utility>

namespace portico::exchange {

ConfigPin::~ConfigPin() {
  home_.post([config = std::move(config_)] {});
}

void Context::adopt(ConfigPointer next) {
  config = std::move(next);
  clients = config->config().settings->clients;
  balancers.panics().forget();
  for (auto exchange = pinned.begin(); exchange != pinned.end();) {
    (exchange++)->let_go_of_config();
  }
}

void Context::set_pressure(Pressure now) {
  pressure = now;
  if (now != Pressure::kCritical) {
    return;
  }
  for (auto exchange = pinned.begin(); exchange != pinned.end();) {
    (exchange++)->on_memory_critical();
  }
}

}  // namespace portico::exchange
