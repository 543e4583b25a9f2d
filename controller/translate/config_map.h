// The controller's ConfigMap (--configmap): one table of every key that ingress-nginx knows, and
// its reader. What it sets is the default of every route, which annotations come after, or holds
// for all of them.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "controller/kube/objects.h"
#include "controller/translate/annotations.h"
#include "routing/diagnostic.h"
#include "routing/policy.h"
#include "routing/settings.h"

namespace portico::translate {

// Reads `value` into `settings`, or says what the value must be.
using ReadSetting = std::expected<void, std::string_view> (*)(std::string_view value,
                                                              routing::Settings& settings);

struct ConfigMapRow {
  std::string_view name;
  Support support = Support::kNotYet;
  Guard guards_access = Guard::kNo;
  // Of served ones, one of the two: the default of every route, or what holds for all of them.
  ReadValue read = nullptr;
  ReadSetting read_setting = nullptr;
  std::string_view default_value;
  std::string_view meaning;   // one line; for those that are not served, why or what instead
  std::string_view harmless;  // the value that asks for what happens anyway
  std::string_view when_bad;  // what holds where the value can't be read; empty: the default
  bool is_secret = false;     // findings do not show the value
};

// Every known key, in the order of the documentation page.
std::span<const ConfigMapRow> config_map_table();

struct ConfigMapReading {
  // A bad value leaves the built-in default; a guard that can't be honoured fills denied_because,
  // which closes every route.
  routing::Policy defaults;
  routing::Settings settings;
  routing::Diagnostics diagnostics;
};

// `name` is "namespace/name", as the flag gives it; `object` null: there is none.
ConfigMapReading read_config_map(const std::string& name, const kube::ConfigMap* object);

}  // namespace portico::translate
