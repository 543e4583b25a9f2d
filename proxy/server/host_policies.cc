#include "proxy/server/host_policies.h"

#include "tls/ticket_keys.h"

namespace portico::server {

TlsCompiler::TlsCompiler(tls::ServerOptions base, std::shared_ptr<tls::TicketKeys> keys)
    : base_(std::move(base)), keys_(std::move(keys)), options_(base_) {}

std::shared_ptr<const tls::ServerContext> TlsCompiler::set(const routing::TlsSettings& settings,
                                                           bool http2) {
  if (keys_ != nullptr) {
    std::vector<tls::TicketKeys::Key> keys;
    for (const auto& written : settings.ticket_keys) {
      if (const auto key = tls::TicketKeys::read(written)) {
        keys.push_back(*key);
      }
    }
    keys_->share(std::move(keys));
  }
  has_tickets_ = settings.tickets;
  options_ = base_;
  if (!http2) {
    std::erase(options_.alpn, "h2");
  }
  options_.minimum_version = settings.tls12 ? tls::Version::kTls12 : tls::Version::kTls13;
  options_.maximum_version = settings.tls13 ? tls::Version::kTls13 : tls::Version::kTls12;
  if (!settings.ciphers.empty()) {
    options_.ciphers = settings.ciphers;
  }
  if (!settings.groups.empty()) {
    options_.groups = settings.groups;
  }
  options_.session_timeout = settings.session_timeout;
  options_.staples_ocsp = settings.ocsp_stapling;
  contexts_.clear();
  return make(options_);
}

std::shared_ptr<const tls::ServerPolicy> TlsCompiler::compile(
    const std::shared_ptr<const routing::HostTls>& spec) {
  const bool asks = spec->has_authorities() && spec->refused_because.empty() &&
                    spec->verify != routing::ClientVerification::kOff;
  return std::make_shared<const tls::ServerPolicy>(
      tls::ServerPolicy{.context = context(*spec), .clients = asks ? trust(spec) : nullptr});
}

std::shared_ptr<const tls::ClientTrust> TlsCompiler::trust(
    const std::shared_ptr<const routing::HostTls>& spec) {
  std::erase_if(trusts_, [](const auto& entry) { return entry.second.expired(); });
  auto& known = trusts_[spec.get()];
  auto trust = known.lock();
  if (trust == nullptr) {
    trust = tls::ClientTrust::create(spec).value_or(nullptr);
    known = trust;
  }
  return trust;
}

std::shared_ptr<const tls::ServerContext> TlsCompiler::context(const routing::HostTls& spec) {
  if (spec.ciphers.empty() && !spec.prefer_server_ciphers.has_value()) {
    return nullptr;
  }
  auto options = options_;
  options.ciphers = spec.ciphers.empty() ? options.ciphers : spec.ciphers;
  options.prefers_server_ciphers =
      spec.prefer_server_ciphers.value_or(options.prefers_server_ciphers);
  auto& known = contexts_[{options.ciphers, options.prefers_server_ciphers}];
  auto context = known.lock();
  if (context == nullptr) {
    context = make(options);
    known = context;
  }
  return context;
}

// The controller has tried what it lets through; should OpenSSL refuse it all the same, what is
// built in serves.
std::shared_ptr<const tls::ServerContext> TlsCompiler::make(
    const tls::ServerOptions& options) const {
  const auto keys = has_tickets_ ? keys_ : nullptr;
  if (auto context = tls::ServerContext::create(options, keys)) {
    return *context;
  }
  auto built_in = base_;
  built_in.alpn = options.alpn;
  return tls::ServerContext::create(built_in, keys).value_or(nullptr);
}

tls::ServerPolicy HostPolicies::find(std::string_view server_name) const {
  const auto& config = context_.config->config();
  const auto levels = config.routes.levels(server_name);
  const auto* named = levels.exact != nullptr ? levels.exact : levels.wildcard;
  if (named == nullptr && config.settings != nullptr && config.settings->tls.reject_unknown_names) {
    return {.is_refused = true};
  }
  const auto* nearest = named != nullptr ? named : levels.any;
  if (nearest == nullptr || nearest->tls() == nullptr) {
    return {};
  }
  const auto* policy = config.host_policies.find(nearest->host());
  return policy == nullptr ? tls::ServerPolicy() : *policy;
}

}  // namespace portico::server
