// Whether a certificate is one for a name.
#pragma once

#include <string_view>

#include "tls/certificate.h"

namespace portico::tls {

// It names `host`, a DNS name without port, itself or by a wildcard of one label (RFC 6125 6.4).
// One that does not parse covers nothing.
[[nodiscard]] bool covers(const Certificate& certificate, std::string_view host);

}  // namespace portico::tls
