// Which rule serves a URL and why, what was considered, and what was ignored: as text.
#pragma once

#include <string>

#include "controller/cli/explain_url.h"
#include "controller/translate/translator.h"
#include "routing/diagnostic.h"

namespace portico::cli {

struct ExplanationText {
  std::string text;  // lines
  bool is_served = false;
};

// `findings` are those of the translator and of reading; of them the ones that concern the URL are
// told. Costs what the URL's hosts hold, and a look at each Ingress.
ExplanationText explain(const ExplainUrl& url, const translate::Translator& translator,
                        routing::Diagnostics findings);

}  // namespace portico::cli
