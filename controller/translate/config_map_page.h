// docs/configmap.md, printed from the table of keys.
#pragma once

#include <string>

namespace portico::translate {

std::string config_map_page();

}  // namespace portico::translate
