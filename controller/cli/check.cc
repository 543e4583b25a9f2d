#include "controller/cli/check.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <tuple>

#include <fmt/format.h>

#include "controller/cli/finding_line.h"
#include "controller/kube/locator.h"
#include "controller/kube/manifest_source.h"
#include "controller/translate/lint.h"

namespace portico::cli {
namespace {

using routing::Diagnostics;
using routing::Severity;

std::int64_t unix_now() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(since_epoch).count();
}

std::vector<kube::Change> as_changes(const std::vector<kube::ObjectPointer>& objects) {
  std::vector<kube::Change> changes;
  changes.reserve(objects.size());
  for (const auto& object : objects) {
    changes.push_back({kube::key_of(*object), object});
  }
  return changes;
}

bool has_error(const Diagnostics& found) {
  return std::ranges::find(found, Severity::kError, &routing::Diagnostic::severity) != found.end();
}

std::string summary(const Diagnostics& found, std::size_t objects) {
  const auto errors = std::ranges::count(found, Severity::kError, &routing::Diagnostic::severity);
  const auto warnings =
      std::ranges::count(found, Severity::kWarning, &routing::Diagnostic::severity);
  return fmt::format("portico check: {} objects, {} errors, {} warnings", objects, errors,
                     warnings);
}

}  // namespace

int run_check(const CheckOptions& options, std::ostream& out) {
  const std::vector<std::filesystem::path> paths(options.paths.begin(), options.paths.end());
  auto read = kube::read_manifests(paths);
  if (!read) {
    fmt::print(stderr, "portico check: {}\n", read.error());
    return 2;
  }
  auto translate_options = options.translate;
  translate_options.checking = true;
  translate::Translator translator(translate_options);
  translator.apply(as_changes(read->objects));
  auto found = translate::lint(translator, unix_now());
  found.insert(found.end(), read->diagnostics.begin(), read->diagnostics.end());
  kube::Locator().locate(found);
  std::ranges::sort(found, [](const auto& a, const auto& b) {
    return std::tie(a.file, a.line, a.object, a.field, a.message) <
           std::tie(b.file, b.line, b.object, b.field, b.message);
  });
  for (const auto& diagnostic : found) {
    out << finding_line(diagnostic) << '\n';
  }
  fmt::print(stderr, "{}\n", summary(found, read->objects.size()));
  return has_error(found) ? 1 : 0;
}

}  // namespace portico::cli
