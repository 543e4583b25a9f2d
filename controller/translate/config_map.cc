#include "controller/translate/config_map.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "controller/kube/nearest_name.h"
#include "controller/translate/annotation_values.h"
#include "controller/translate/client_address_reading.h"

namespace portico::translate {
namespace {

using routing::Severity;

constexpr std::string_view kBlanks = " \t\r\n";

const ConfigMapRow* find_row(std::string_view name) {
  const auto table = config_map_table();
  const auto found = std::ranges::find(table, name, &ConfigMapRow::name);
  return found == table.end() ? nullptr : &*found;
}

// An empty list or URL guards nothing.
bool guards(const ConfigMapRow& row, std::string_view value) {
  if (value.find_first_not_of(kBlanks) == std::string_view::npos) {
    return false;
  }
  return row.guards_access == Guard::kYes ||
         (row.guards_access == Guard::kByValue && snippet_guards_access(value));
}

class Reader {
 public:
  explicit Reader(const kube::ConfigMap& object) : object_(object) {}

  void read(std::string_view key, std::string_view value) {
    const auto* row = find_row(key);
    if (row == nullptr) {
      unknown(key, value);
    } else if (row->support == Support::kServed) {
      served(*row, value);
    } else if (guards(*row, value)) {
      deny(*row, value);
    } else if (value != row->harmless) {
      not_served(*row, value);
    }
  }

  // What only the keys together say.
  void finish() {
    if (believes_everybody(reading_.settings.client_address)) {
      add(Severity::kWarning, "proxy-real-ip-cidr",
          "everybody is believed about the address of the client: whoever reaches Portico past the "
          "proxies in front can claim any",
          "set it to the networks of those proxies");
    }
  }

  ConfigMapReading take() { return std::move(reading_); }

 private:
  void add(Severity severity, std::string_view key, std::string message, std::string fix) {
    const auto& meta = object_.meta;
    reading_.diagnostics.push_back(
        {.severity = severity,
         .object = {kube::ConfigMap::kKind, meta.namespace_, meta.name},
         .field = fmt::format("data.{}", key),
         .message = std::move(message),
         .fix = std::move(fix),
         .file = meta.origin.file == nullptr ? std::string() : *meta.origin.file,
         .line = meta.origin.line});
  }

  void served(const ConfigMapRow& row, std::string_view value) {
    const auto done = row.read == nullptr ? row.read_setting(value, reading_.settings)
                                          : row.read(value, reading_.defaults);
    if (!done) {
      add(Severity::kError, row.name,
          fmt::format("{} is not {}", row.is_secret ? "the value" : quoted_value(value),
                      done.error()),
          fmt::format("correct the value; until then {}", without(row)));
    }
  }

  static std::string without(const ConfigMapRow& row) {
    if (!row.when_bad.empty()) {
      return std::string(row.when_bad);
    }
    return row.default_value.empty() ? "it counts as not given"
                                     : fmt::format("{} is the default", row.default_value);
  }

  void deny(const ConfigMapRow& row, std::string_view value) {
    const std::string_view yet = row.support == Support::kNotYet ? " yet" : "";
    if (reading_.defaults.denied_because.empty()) {
      reading_.defaults.denied_because =
          fmt::format("key {} of the ConfigMap guards access and is not served{}", row.name, yet);
    }
    add(Severity::kError, row.name,
        fmt::format("{} guards access and is not served{}: all routes answer 503",
                    quoted_value(value), yet),
        "remove the key only if all routes may be open to everybody");
  }

  void not_served(const ConfigMapRow& row, std::string_view value) {
    const bool is_later = row.support == Support::kNotYet;
    add(Severity::kWarning, row.name,
        is_later ? fmt::format("{} has no effect: it is not served yet", quoted_value(value))
                 : fmt::format("{} has no effect: {}", quoted_value(value), row.meaning),
        is_later ? "" : "remove the key");
  }

  void unknown(std::string_view key, std::string_view value) {
    static const auto kNames = [] {
      std::vector<std::string_view> names;
      for (const auto& row : config_map_table()) {
        names.push_back(row.name);
      }
      return names;
    }();
    const auto nearest = kube::nearest_name(key, kNames);
    add(Severity::kWarning, key,
        fmt::format("no key is named \"{}\" (its value is {})", key, quoted_value(value)),
        nearest ? fmt::format("did you mean \"{}\"?", *nearest) : std::string("remove the key"));
  }

  const kube::ConfigMap& object_;
  ConfigMapReading reading_;
};

routing::Diagnostic missing(const std::string& name) {
  const auto slash = name.find('/');
  return {.severity = Severity::kWarning,
          .object = {kube::ConfigMap::kKind, name.substr(0, slash), name.substr(slash + 1)},
          .field = "--configmap",
          .message = fmt::format("there is no ConfigMap \"{}\": the built-in defaults hold", name),
          .fix = "create it, or correct the flag"};
}

}  // namespace

ConfigMapReading read_config_map(const std::string& name, const kube::ConfigMap* object) {
  if (object == nullptr) {
    return {.defaults = {}, .settings = {}, .diagnostics = {missing(name)}};
  }
  Reader reader(*object);
  for (const auto& [key, value] : object->data) {
    reader.read(key, value);
  }
  reader.finish();
  return reader.take();
}

}  // namespace portico::translate
