#include "controller/cli/finding_line.h"

#include <algorithm>

#include <fmt/format.h>

namespace portico::cli {

std::string one_line(std::string text) {
  std::ranges::replace_if(
      text, [](unsigned char byte) { return byte < 0x20 || byte == 0x7f; }, ' ');
  return text;
}

std::string_view severity_word(routing::Severity severity) {
  switch (severity) {
    case routing::Severity::kInfo:
      return "info";
    case routing::Severity::kWarning:
      return "warning";
    case routing::Severity::kError:
      return "error";
  }
  return "";
}

std::string finding_line(const routing::Diagnostic& diagnostic) {
  return one_line(fmt::format("{}:{}: {}: {}: {}: {}{}{}",
                              diagnostic.file.empty() ? "-" : diagnostic.file, diagnostic.line,
                              severity_word(diagnostic.severity),
                              diagnostic.object.name.empty() ? "-" : diagnostic.object.to_string(),
                              diagnostic.field.empty() ? "-" : diagnostic.field, diagnostic.message,
                              diagnostic.fix.empty() ? "" : "; ", diagnostic.fix));
}

}  // namespace portico::cli
