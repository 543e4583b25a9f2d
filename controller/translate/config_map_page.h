// What is printed from the table of keys.
#pragma once

#include <string>

namespace portico::translate {

// docs/configmap.md
std::string config_map_page();
// charts/portico/files/config-keys.yaml: which keys have no effect, and why, for the chart's notes.
std::string config_map_chart_keys();

}  // namespace portico::translate
