// What each server name asks of a handshake: from HostTls to tls::ServerPolicy, and by name.
#pragma once

#include <map>
#include <memory>
#include <utility>

#include "proxy/exchange/context.h"
#include "routing/host_tls.h"
#include "routing/tls_settings.h"
#include "tls/server_policies.h"

namespace portico::tls {
class TicketKeys;
}

namespace portico::server {

// Thread: the controller's.
class TlsCompiler {
 public:
  // `base` is what settings change. `keys` seal all sessions; null: none are resumed.
  TlsCompiler(tls::ServerOptions base, std::shared_ptr<tls::TicketKeys> keys);

  // Shares the ticket keys, and makes the context of names that ask for nothing of their own. What
  // is compiled afterwards goes by these settings. `http2`: whether ALPN offers it.
  std::shared_ptr<const tls::ServerContext> set(const routing::TlsSettings& settings, bool http2);

  // Hosts that share a HostTls share what is made of it. Authorities that can't be read (the
  // controller has checked them) are not asked for, and every request is refused for that.
  std::shared_ptr<const tls::ServerPolicy> compile(
      const std::shared_ptr<const routing::HostTls>& spec);

 private:
  std::shared_ptr<const tls::ClientTrust> trust(
      const std::shared_ptr<const routing::HostTls>& spec);
  std::shared_ptr<const tls::ServerContext> context(const routing::HostTls& spec);
  [[nodiscard]] std::shared_ptr<const tls::ServerContext> make(
      const tls::ServerOptions& options) const;

  const tls::ServerOptions base_;
  const std::shared_ptr<tls::TicketKeys> keys_;
  bool has_tickets_ = true;
  tls::ServerOptions options_;  // base_ with the settings
  std::map<const routing::HostTls*, std::weak_ptr<const tls::ClientTrust>> trusts_;
  // By ciphers and whose order counts.
  std::map<std::pair<std::string, bool>, std::weak_ptr<const tls::ServerContext>> contexts_;
};

// Looks a server name up as the host of a request is looked up, in the Config of this moment.
//
// Thread:    worker-bound.
class HostPolicies final : public tls::ServerPolicies {
 public:
  explicit HostPolicies(const exchange::Context& context) : context_(context) {}

  [[nodiscard]] tls::ServerPolicy find(std::string_view server_name) const override;

 private:
  const exchange::Context& context_;
};

}  // namespace portico::server
