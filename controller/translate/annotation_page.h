// docs/annotations.md, printed from the table.
#pragma once

#include <string>

namespace portico::translate {

std::string annotation_page();

}  // namespace portico::translate
