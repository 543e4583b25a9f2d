#include "controller/translate/annotation_page.h"

#include <fmt/format.h>

#include "controller/translate/annotations.h"

namespace portico::translate {
namespace {

std::string_view scope_word(Scope scope) {
  switch (scope) {
    case Scope::kPath:
      return "path";
    case Scope::kIngress:
      return "Ingress";
    case Scope::kHost:
      return "host";
  }
  return "";
}

void print_served(std::string& page) {
  page += "## Served\n\n| annotation | scope | default | meaning |\n|---|---|---|---|\n";
  for (const auto& row : annotation_table()) {
    if (row.support == Support::kServed) {
      page += fmt::format("| `{}` | {}{} | `{}` | {} |\n", row.name, scope_word(row.scope),
                          row.for_services ? ", Service" : "", row.default_value, row.meaning);
    }
  }
}

void print_others(std::string& page, Support support, std::string_view title) {
  page += fmt::format(
      "\n## {}\n\n| annotation | scope | guards access | meaning |\n|---|---|---|---|\n", title);
  for (const auto& row : annotation_table()) {
    if (row.support == support) {
      page += fmt::format("| `{}` | {} | {} | {} |\n", row.name, scope_word(row.scope),
                          guard_word(row.guards_access), row.meaning);
    }
  }
}

}  // namespace

std::string_view guard_word(Guard guard) {
  switch (guard) {
    case Guard::kNo:
      return "";
    case Guard::kYes:
      return "yes: 503";
    case Guard::kByValue:
      return "503 if the text holds an access directive";
  }
  return "";
}

std::string annotation_page() {
  std::string page =
      "# Annotations\n\n"
      "Printed from the table in `controller/translate/annotation_table.cc`; a test keeps this "
      "page equal to it.\n\n"
      "Each name is read under two prefixes, `nginx.ingress.kubernetes.io/` and `portico.dev/`; "
      "where an Ingress has "
      "both, `portico.dev/` wins.\n\n"
      "* A value that can't be read is an error, and the default stays in force.\n"
      "* An annotation that guards access and is not served makes the routes of its Ingress answer "
      "503, those of its "
      "whole hosts where its scope is the host: nothing that was closed is opened silently.\n"
      "* Any other annotation that is not served, and any unknown name, is a warning.\n"
      "* Where the scope names the Service, `portico.dev/NAME` may stand on a Service too, for all "
      "Ingresses that use it: [how they go together](balancing.md#asked-for-by-the-service).\n"
      "* An Ingress with `canary: \"true\"` serves nothing by itself, but a part of another's "
      "requests: [canaries](canary.md).\n\n";
  print_served(page);
  print_others(page, Support::kNotYet, "Not yet");
  print_others(page, Support::kNever, "Never");
  print_others(page, Support::kRemoved, "Not known to ingress-nginx any more, or never");
  return page;
}

}  // namespace portico::translate
