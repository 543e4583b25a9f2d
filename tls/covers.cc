#include "tls/covers.h"

#include <openssl/x509v3.h>

#include "tls/native.h"

namespace portico::tls {

bool covers(const Certificate& certificate, std::string_view host) {
  X509* const leaf = certificate.parsed().leaf.get();
  return leaf != nullptr && !host.empty() &&
         X509_check_host(leaf, host.data(), host.size(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS,
                         nullptr) == 1;
}

}  // namespace portico::tls
