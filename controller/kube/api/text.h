// Small forms of text that several files here read or write.
#pragma once

#include <string>
#include <string_view>

namespace portico::kube {

// ASCII only.
std::string lower(std::string_view text);
std::string_view trim(std::string_view text);  // of white space at both ends
// No control character and no space in it: fit to stand in a line of HTTP.
bool is_visible(std::string_view text);
std::string encode_base64(std::string_view bytes);
// `text` as a JSON string, quotes included.
std::string json_string(std::string_view text);

}  // namespace portico::kube
