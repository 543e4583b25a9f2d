// Field lines as Boost.Beast's parser reads them: what ours must agree with.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/http/message.h"

namespace portico::http::testing {

using NamesAndValues = std::vector<std::pair<std::string, std::string>>;

// `section`: field lines and the empty line behind them. Nothing if Beast refuses it, or finds its
// end elsewhere.
std::optional<NamesAndValues> read_fields_with_beast(std::string_view section);

// The section of a whole head: what follows its first line that is not empty.
std::string_view field_section(std::string_view head);

// As Beast would give them. Names with '_' are left out of requests.
NamesAndValues names_and_values(const FieldBlock& fields);
NamesAndValues without_underscores(NamesAndValues fields);

}  // namespace portico::http::testing
