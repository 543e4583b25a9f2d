// Base64 as Kubernetes reads it in Secrets (RFC 4648 4, padded; line breaks are skipped).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace portico::kube {

std::optional<std::string> decode_base64(std::string_view text);

}  // namespace portico::kube
