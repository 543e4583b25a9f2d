#include "controller/cli/explain.h"

#include <cstdio>
#include <expected>
#include <filesystem>
#include <span>
#include <vector>

#include <fmt/format.h>

#include "controller/cli/admin_client.h"
#include "controller/cli/explain_url.h"
#include "controller/cli/explanation.h"
#include "controller/cli/finding_line.h"
#include "controller/cli/url_encoding.h"
#include "controller/kube/manifest_source.h"
#include "controller/translate/translator.h"

namespace portico::cli {
namespace {

constexpr int kServed = 0;
constexpr int kNotServed = 1;
constexpr int kCannotTell = 2;

int refuse(std::string_view why) {
  fmt::print(stderr, "portico explain: {}\n", why);
  return kCannotTell;
}

int ask_running(const ExplainOptions& options, std::ostream& out) {
  const auto answer = get_from_admin(options.admin, "/explain?url=" + percent_encode(options.url));
  if (!answer) {
    return refuse(answer.error());
  }
  // 404 is also what a server without explanations says.
  const bool is_explanation = answer->body.starts_with("request ");
  if (!is_explanation || (answer->status != 200 && answer->status != 404)) {
    return refuse(fmt::format("{} answered {}: {}", options.admin, answer->status,
                              one_line(answer->body.substr(0, answer->body.find('\n')))));
  }
  out << answer->body;
  return answer->status == 200 ? kServed : kNotServed;
}

int explain_manifests(const ExplainOptions& options, const ExplainUrl& url, std::ostream& out) {
  const std::filesystem::path path = options.manifests;
  auto read = kube::read_manifests({&path, 1});
  if (!read) {
    return refuse(read.error());
  }
  auto translate_options = options.translate;
  translate_options.checking = true;
  translate::Translator translator(translate_options);
  std::vector<kube::Change> changes;
  for (const auto& object : read->objects) {
    changes.push_back({kube::key_of(*object), object});
  }
  translator.apply(changes);
  auto findings = translator.diagnostics();
  findings.insert(findings.end(), read->diagnostics.begin(), read->diagnostics.end());
  const auto explanation = explain(url, translator, std::move(findings));
  out << explanation.text;
  return explanation.is_served ? kServed : kNotServed;
}

}  // namespace

int run_explain(const ExplainOptions& options, std::ostream& out) {
  const auto url = ExplainUrl::parse(options.url);
  if (!url) {
    return refuse(fmt::format("\"{}\" is no URL to explain: {}", options.url, url.error()));
  }
  return options.admin.empty() ? explain_manifests(options, *url, out) : ask_running(options, out);
}

}  // namespace portico::cli
