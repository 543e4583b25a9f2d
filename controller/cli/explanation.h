// Which rule serves a URL and why, what was considered, and what was ignored: as text.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "controller/cli/explain_url.h"
#include "controller/translate/translator.h"
#include "routing/diagnostic.h"

namespace portico::cli {

struct ExplanationText {
  std::string text;  // lines
  bool is_served = false;
};

// Some of a backend's endpoints, as text; "" none. By Snapshot::backends' key.
using EndpointsText = std::function<std::string(std::string_view backend)>;

// `findings` are those of the translator and of reading; of them the ones that concern the URL are
// told. `ejected` and `ill` (by health checks) are of a running one; may be empty. Costs what the
// URL's hosts hold, and a look at each Ingress.
ExplanationText explain(const ExplainUrl& url, const translate::Translator& translator,
                        routing::Diagnostics findings, const EndpointsText& ejected = {},
                        const EndpointsText& ill = {});

}  // namespace portico::cli
