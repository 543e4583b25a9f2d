// A diagnostic as a line of text.
#pragma once

#include <string>
#include <string_view>

#include "routing/diagnostic.h"

namespace portico::cli {

// FILE:LINE: severity: object: field: message; fix
// "-" stands for an object or field that there is none of, and for the file of what came from the
// command line.
std::string finding_line(const routing::Diagnostic& diagnostic);

// One finding is one line, whatever the manifests hold: control characters become spaces.
std::string one_line(std::string text);

std::string_view severity_word(routing::Severity severity);

}  // namespace portico::cli
