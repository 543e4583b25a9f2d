// A diagnostic as a line of text.
#pragma once

#include <string>

#include "routing/diagnostic.h"

namespace portico::cli {

// FILE:LINE: severity: object: field: message; fix
// "-" stands for an object or field that there is none of, and for the file of what came from the
// command line.
std::string finding_line(const routing::Diagnostic& diagnostic);

std::string_view severity_word(routing::Severity severity);

}  // namespace portico::cli
