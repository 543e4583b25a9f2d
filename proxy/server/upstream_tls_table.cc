#include "proxy/server/upstream_tls_table.h"

#include <algorithm>
#include <utility>

#include "tls/upstream_options.h"

namespace portico::server {
namespace {

// All that a context is made of, and the name; each text behind its size.
std::string identity(const routing::UpstreamTlsSpec& spec, routing::BackendProtocol protocol) {
  std::string text;
  const auto add = [&text](std::string_view part) {
    text.append(std::to_string(part.size())).append(":").append(part);
  };
  text.append({spec.verifies ? 'v' : '-', spec.sends_server_name ? 's' : '-',
               spec.allows_tls12 ? '2' : '-', spec.allows_tls13 ? '3' : '-',
               protocol == routing::BackendProtocol::kHttp2 ? 'h' : '-'});
  add(std::to_string(spec.verify_depth));
  add(spec.name);
  add(spec.ciphers);
  add(spec.authorities_pem);
  if (spec.certificate != nullptr) {
    add(spec.certificate->chain_pem);
    add(spec.certificate->key_pem);
  }
  return text;
}

}  // namespace

std::shared_ptr<const exchange::UpstreamTls> UpstreamTlsTable::find_or_make(
    const std::shared_ptr<const routing::UpstreamTlsSpec>& spec,
    routing::BackendProtocol protocol) {
  if (spec == nullptr) {
    return nullptr;
  }
  auto& made = made_[identity(*spec, protocol)];
  if (auto known = made.lock(); known != nullptr) {
    return known;
  }
  auto context = tls::ClientContext::create(tls::upstream_options(*spec, protocol));
  if (!context) {
    return nullptr;
  }
  auto tls = std::make_shared<exchange::UpstreamTls>();
  tls->spec = spec;
  tls->context = std::move(*context);
  made = tls;
  forget_unused();
  return tls;
}

void UpstreamTlsTable::forget_unused() {
  if (made_.size() < forget_at_) {
    return;
  }
  absl::erase_if(made_, [](const auto& entry) { return entry.second.expired(); });
  forget_at_ = std::max<std::size_t>(64, made_.size() * 2);
}

}  // namespace portico::server
