// What hosts ask of their clients' certificates, as `portico explain` tells it.
#pragma once

#include <string>
#include <string_view>

#include "routing/host_tls.h"

namespace portico::cli {

// "must show a certificate ..."; empty where the host asks for none.
std::string certificates_asked(const routing::HostTls& host);

// What a client is answered that shows no certificate, as none does over plain HTTP; empty where it
// is let in.
std::string answer_without_certificate(const routing::HostTls& host);

}  // namespace portico::cli
