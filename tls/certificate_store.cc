#include "tls/certificate_store.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <string>
#include <utility>

#include <absl/strings/ascii.h>

#include "tls/openssl.h"

namespace portico::tls {
namespace {

constexpr std::size_t kLongestName = 255;

// A spec's address as a key.
std::string_view address_key(const routing::CertificateSpec* const& spec) {
  return {reinterpret_cast<const char*>(&spec), sizeof spec};
}

std::string lower_case(std::string_view name) {
  return absl::AsciiStrToLower({name.data(), name.size()});
}

}  // namespace

CertificateStore::CertificateStore(std::shared_ptr<const routing::CertificateSpec> self_signed)
    : self_signed_(std::make_shared<const Certificate>(std::move(self_signed))) {
  must(self_signed_->usable(), "parsing the self-signed certificate");
}

CertificateStore::Found CertificateStore::find(std::string_view server_name) const {
  std::array<char, kLongestName> buffer;
  auto reason = Reason::kDefault;
  if (server_name.size() < kLongestName && !server_name.empty()) {
    std::transform(server_name.begin(), server_name.end(), buffer.begin(), absl::ascii_tolower);
    const std::string_view name(buffer.data(), server_name.size());
    const auto* certificate = names_.find(name);
    if (certificate == nullptr) {
      certificate = find_wildcard(name);
    }
    if (certificate != nullptr && certificate->usable()) {
      return {.certificate = certificate, .reason = Reason::kName};
    }
    reason = certificate == nullptr ? Reason::kDefault : Reason::kBroken;
  }
  const bool has_default = default_ != nullptr && default_->usable();
  return {.certificate = has_default ? default_.get() : self_signed_.get(), .reason = reason};
}

// "a.example.com" has the wildcard "*.example.com": the first label's place is taken by one '*'.
const Certificate* CertificateStore::find_wildcard(std::string_view name) const {
  const auto dot = name.find('.');
  if (dot == std::string_view::npos || dot == 0) {
    return nullptr;
  }
  std::array<char, kLongestName + 1> buffer;
  const auto suffix = name.substr(dot);
  buffer[0] = '*';
  std::memcpy(buffer.data() + 1, suffix.data(), suffix.size());
  return names_.find({buffer.data(), suffix.size() + 1});
}

void CertificateStore::set(std::string_view server_name,
                           std::shared_ptr<const routing::CertificateSpec> spec) {
  const auto name = lower_case(server_name);
  const auto* before = names_.find_shared(name);
  if (before != nullptr && (*before)->spec() == spec) {
    return;
  }
  const auto old = before == nullptr ? nullptr : *before;
  names_.set(name, acquire(std::move(spec)));
  if (old != nullptr) {
    release(*old);
  }
}

void CertificateStore::erase(std::string_view server_name) {
  const auto name = lower_case(server_name);
  const auto* before = names_.find_shared(name);
  if (before == nullptr) {
    return;
  }
  const auto old = *before;
  names_.erase(name);
  release(*old);
}

void CertificateStore::set_default(std::shared_ptr<const routing::CertificateSpec> spec) {
  if (spec == nullptr) {
    default_ = nullptr;
    return;
  }
  if (default_ == nullptr || default_->spec() != spec) {
    default_ = std::make_shared<const Certificate>(std::move(spec));
  }
}

std::shared_ptr<const Certificate> CertificateStore::acquire(
    std::shared_ptr<const routing::CertificateSpec> spec) {
  const auto* address = spec.get();
  const auto* use = uses_.find(address_key(address));
  auto certificate =
      use == nullptr ? std::make_shared<const Certificate>(std::move(spec)) : use->certificate;
  const auto names = use == nullptr ? std::size_t{1} : use->names + 1;
  uses_.set(address_key(address), std::make_shared<const Use>(certificate, names));
  return certificate;
}

void CertificateStore::release(const Certificate& certificate) {
  const auto* address = certificate.spec().get();
  const auto* use = uses_.find(address_key(address));
  assert(use != nullptr);
  if (use->names == 1) {
    uses_.erase(address_key(address));
    return;
  }
  uses_.set(address_key(address), std::make_shared<const Use>(use->certificate, use->names - 1));
}

}  // namespace portico::tls
