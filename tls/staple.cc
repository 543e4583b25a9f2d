#include "tls/staple.h"

#include <ctime>
#include <utility>

#include <openssl/err.h>
#include <openssl/ocsp.h>

namespace portico::tls {
namespace {

using ResponsePtr = std::unique_ptr<OCSP_RESPONSE, Deleter<OCSP_RESPONSE_free>>;
using BasicPtr = std::unique_ptr<OCSP_BASICRESP, Deleter<OCSP_BASICRESP_free>>;
using StorePtr = std::unique_ptr<X509_STORE, Deleter<X509_STORE_free>>;

std::unexpected<std::string> refuse(std::string why) {
  ERR_clear_error();
  return std::unexpected("tls.ocsp " + std::move(why));
}

std::int64_t unix_seconds(const ASN1_GENERALIZEDTIME* time) {
  std::tm broken{};
  return time != nullptr && ASN1_TIME_to_tm(time, &broken) == 1 ? timegm(&broken) : 0;
}

bool is_signed(OCSP_BASICRESP* basic, X509* issuer, STACK_OF(X509) * chain) {
  const StorePtr store(X509_STORE_new());
  must(store != nullptr && X509_STORE_add_cert(store.get(), issuer) == 1, "X509_STORE_add_cert");
  X509_STORE_set_flags(store.get(), X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_NO_CHECK_TIME);
  return OCSP_basic_verify(basic, chain, store.get(), 0) == 1;
}

// What the response says of the leaf. It may name its issuer by any digest, so that all are tried.
OCSP_SINGLERESP* find_single(OCSP_BASICRESP* basic, const X509& leaf, const X509& issuer) {
  for (int i = 0; i < OCSP_resp_count(basic); ++i) {
    auto* single = OCSP_resp_get0(basic, i);
    auto* id = const_cast<OCSP_CERTID*>(OCSP_SINGLERESP_get0_id(single));
    ASN1_OBJECT* algorithm = nullptr;
    OCSP_id_get0_info(nullptr, &algorithm, nullptr, nullptr, id);
    const auto* digest = EVP_get_digestbyobj(algorithm);
    const std::unique_ptr<OCSP_CERTID, Deleter<OCSP_CERTID_free>> wanted(
        digest == nullptr ? nullptr : OCSP_cert_to_id(digest, &leaf, &issuer));
    if (wanted != nullptr && OCSP_id_cmp(id, wanted.get()) == 0) {
      return single;
    }
  }
  return nullptr;
}

}  // namespace

std::expected<Staple, std::string> read_staple(const std::string& der, const X509& leaf,
                                               const STACK_OF(X509) & chain) {
  if (der.empty()) {
    return Staple();
  }
  const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
  const ResponsePtr response(d2i_OCSP_RESPONSE(nullptr, &bytes, static_cast<long>(der.size())));
  if (response == nullptr) {
    return refuse("is no OCSP response in DER");
  }
  if (const int status = OCSP_response_status(response.get());
      status != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
    return refuse(std::string("is a responder's refusal: ") + OCSP_response_status_str(status));
  }
  const BasicPtr basic(OCSP_response_get1_basic(response.get()));
  auto* issuer = sk_X509_num(&chain) > 0 ? sk_X509_value(&chain, 0) : nullptr;
  if (basic == nullptr || issuer == nullptr) {
    return refuse(issuer == nullptr ? "can't be checked: tls.crt does not hold the issuer"
                                    : "is of a kind that is not known");
  }
  auto* single = find_single(basic.get(), leaf, *issuer);
  if (single == nullptr) {
    return refuse("is about another certificate");
  }
  ASN1_GENERALIZEDTIME* from = nullptr;
  ASN1_GENERALIZEDTIME* until = nullptr;
  if (OCSP_single_get0_status(single, nullptr, nullptr, &from, &until) != V_OCSP_CERTSTATUS_GOOD) {
    return refuse("does not say that the certificate is good");
  }
  if (!is_signed(basic.get(), issuer, const_cast<STACK_OF(X509)*>(&chain))) {
    return refuse("is not signed by the certificate's issuer");
  }
  ERR_clear_error();
  return Staple{.response = der,
                .from_unix_seconds = unix_seconds(from),
                .until_unix_seconds = unix_seconds(until)};
}

}  // namespace portico::tls
