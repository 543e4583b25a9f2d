// Inspection of whatever a Secret may hold. Input: tls.crt, a NUL byte, tls.key; without a NUL it
// is both.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <openssl/err.h>

#include "tls/certificate.h"
#include "tls/inspect.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto nul = text.find('\0');
  const auto spec =
      std::make_shared<portico::routing::CertificateSpec>(portico::routing::CertificateSpec{
          .chain_pem = std::string(text.substr(0, nul)),
          .key_pem = std::string(nul == std::string_view::npos ? text : text.substr(nul + 1))});
  const auto facts = portico::tls::inspect(*spec);
  if (facts) {
    portico::tls::covers(*facts, "a.example.com");
    portico::tls::validity_problem(*facts, 1'700'000'000);
  }
  // What was inspected as good is served, and nothing else.
  const portico::tls::Certificate certificate(spec);
  if (certificate.usable() != facts.has_value() || ERR_peek_error() != 0) {
    std::abort();
  }
  const auto smaller = portico::tls::inspect(portico::tls::compact(*spec));
  if (facts && (!smaller || *smaller != *facts)) {
    std::abort();
  }
  return 0;
}
