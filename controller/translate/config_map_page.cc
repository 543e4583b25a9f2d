#include "controller/translate/config_map_page.h"

#include <fmt/format.h>

#include "controller/translate/annotation_page.h"
#include "controller/translate/config_map.h"

namespace portico::translate {
namespace {

void print_served(std::string& page) {
  page += "## Served\n\n| key | default | meaning |\n|---|---|---|\n";
  for (const auto& row : config_map_table()) {
    if (row.support == Support::kServed) {
      page += fmt::format("| `{}` | `{}` | {} |\n", row.name, row.default_value, row.meaning);
    }
  }
}

void print_others(std::string& page, Support support, std::string_view title,
                  std::string_view column) {
  page += fmt::format("\n## {}\n\n| key | guards access | {} |\n|---|---|---|\n", title, column);
  for (const auto& row : config_map_table()) {
    if (row.support == support) {
      page +=
          fmt::format("| `{}` | {} | {} |\n", row.name, guard_word(row.guards_access), row.meaning);
    }
  }
}

// As a YAML scalar.
std::string yaml_text(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    out += c;
    out += c == '\'' ? "'" : "";
  }
  return out += '\'';
}

std::string why_without_effect(const ConfigMapRow& row) {
  if (row.guards_access == Guard::kYes) {
    return "it guards access and is not served: all routes answer 503";
  }
  if (row.guards_access == Guard::kByValue) {
    return fmt::format("{}; where it guards access, all routes answer 503", row.meaning);
  }
  return row.support == Support::kNotYet ? "not served yet" : std::string(row.meaning);
}

}  // namespace

std::string config_map_chart_keys() {
  std::string served;
  std::string unserved;
  for (const auto& row : config_map_table()) {
    if (row.support == Support::kServed) {
      served += fmt::format("  - {}\n", row.name);
    } else {
      unserved += fmt::format("  {}: {{why: {}, harmless: {}}}\n", row.name,
                              yaml_text(why_without_effect(row)), yaml_text(row.harmless));
    }
  }
  return "# Keys of `controller.config`. NOTES names those that are given and have no effect, "
         "unless "
         "their value asks for\n# what happens anyway (`harmless`). Printed as docs/configmap.md "
         "is, from the same table.\n"
         "served:\n" +
         served + "unserved:\n" + unserved;
}

std::string config_map_page() {
  std::string page =
      "# The ConfigMap\n\n"
      "Printed from the table in `controller/translate/config_map_table.cc`; a test keeps this "
      "page equal to it.\n\n"
      "`--configmap NAMESPACE/NAME` names a ConfigMap whose keys are ingress-nginx's. What it sets "
      "is the default of every route, which an annotation of an Ingress comes after, or holds for "
      "all of them. A change is in effect at once, and closes no connection.\n\n"
      "* A value that can't be read is an error, and the built-in default stays in force.\n"
      "* A key that guards access and is not served makes all routes answer 503: nothing that was "
      "closed is opened silently. An empty value guards nothing.\n"
      "* Any other key that is not served, and any unknown key, is a warning; none where the value "
      "asks for what happens anyway.\n"
      "* A ConfigMap that is not there is a warning: the built-in defaults hold.\n\n";
  print_served(page);
  print_others(page, Support::kNotYet, "Not yet", "meaning");
  print_others(page, Support::kNever, "Never", "why");
  return page;
}

}  // namespace portico::translate
