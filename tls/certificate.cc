#include "tls/certificate.h"

#include <utility>

#include "tls/native.h"
#include "tls/pem.h"

namespace portico::tls {

Certificate::Certificate(std::shared_ptr<const routing::CertificateSpec> spec)
    : spec_(std::move(spec)) {}

Certificate::~Certificate() = default;

std::string_view Certificate::problem() const {
  return parsed().problem;
}

const Certificate::Parsed& Certificate::parsed() const {
  std::call_once(once_, [this] {
    auto parsed = parse_certificate(*spec_);
    parsed_ = std::make_unique<const Parsed>(parsed ? std::move(*parsed)
                                                    : Parsed{.leaf = nullptr,
                                                             .chain = nullptr,
                                                             .key = nullptr,
                                                             .staple = {},
                                                             .problem = std::move(parsed.error())});
  });
  return *parsed_;
}

}  // namespace portico::tls
