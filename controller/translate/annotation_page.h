// docs/annotations.md, printed from the table.
#pragma once

#include <string>
#include <string_view>

#include "controller/translate/annotations.h"

namespace portico::translate {

// A table cell: how an annotation or a key guards access. Empty where it does not.
std::string_view guard_word(Guard guard);

std::string annotation_page();

}  // namespace portico::translate
