// What is said to a credential plugin and what it says: client.authentication.k8s.io
// ExecCredential.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "controller/kube/api/access.h"

namespace portico::kube {

struct PluginCredential {
  std::string token;
  std::string certificate_pem;
  std::string key_pem;
  std::optional<std::int64_t> expires_unix_seconds;
};

// The JSON of $KUBERNETES_EXEC_INFO. `authority_pem`: as read; may be empty.
std::string exec_info(const ApiAccess& access, std::string_view authority_pem);

// Errors: what is wrong with the plugin's answer, to stand behind its name.
std::expected<PluginCredential, std::string> read_exec_credential(std::string_view text,
                                                                  std::string_view api_version);

// "2024-05-31T08:15:30Z", with a fraction or an offset (RFC 3339), as seconds since 1970.
std::optional<std::int64_t> parse_rfc3339(std::string_view text);

}  // namespace portico::kube
