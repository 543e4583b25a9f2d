#include "proxy/server/host_policies.h"

#include <gtest/gtest.h>

#include "tls/self_signed.h"
#include "tls/ticket_keys.h"

namespace portico::server {
namespace {

using routing::HostTls;

std::shared_ptr<const HostTls> asking(routing::ClientVerification verify) {
  static const auto kPem = tls::make_self_signed()->chain_pem;
  return std::make_shared<const HostTls>(
      HostTls{.authority_secret = "default/ca", .authorities_pem = kPem, .verify = verify});
}

TEST(TlsCompiler, HostsShareWhatTheirIngressesShare) {
  TlsCompiler compiler({}, nullptr);
  const auto spec = asking(routing::ClientVerification::kOn);
  const auto one = compiler.compile(spec);
  const auto other = compiler.compile(spec);
  ASSERT_NE(one->clients, nullptr);
  EXPECT_EQ(one->clients, other->clients);
  EXPECT_EQ(one->context, nullptr);
}

TEST(TlsCompiler, AHostThatVerifiesNobodyOrIsClosedAsksForNothing) {
  TlsCompiler compiler({}, nullptr);
  EXPECT_EQ(compiler.compile(asking(routing::ClientVerification::kOff))->clients, nullptr);
  auto closed = *asking(routing::ClientVerification::kOn);
  closed.refused_because = "no Secret";
  EXPECT_EQ(compiler.compile(std::make_shared<const HostTls>(closed))->clients, nullptr);
}

TEST(TlsCompiler, OneContextForEachListOfCiphers) {
  TlsCompiler compiler({}, nullptr);
  const auto with = [&](const char* ciphers) {
    return compiler.compile(std::make_shared<const HostTls>(HostTls{.ciphers = ciphers}));
  };
  const auto one = with("ECDHE-RSA-AES128-GCM-SHA256");
  const auto same = with("ECDHE-RSA-AES128-GCM-SHA256");
  const auto other = with("ECDHE-RSA-AES256-GCM-SHA384");
  ASSERT_NE(one->context, nullptr);
  EXPECT_EQ(one->context, same->context);
  EXPECT_NE(one->context, other->context);
}

TEST(TlsCompiler, SettingsThatOpenSslRefusesLeaveWhatIsBuiltIn) {
  TlsCompiler compiler({}, nullptr);
  EXPECT_NE(compiler.set({.ciphers = "nonsense"}, true), nullptr);
}

TEST(TlsCompiler, SharesTheTicketKeysOfTheSettings) {
  const auto keys = std::make_shared<tls::TicketKeys>();
  TlsCompiler compiler({}, keys);
  compiler.set({.ticket_keys = {std::string(80, 'a'), "short"}}, true);
  EXPECT_EQ(keys->current().name, tls::TicketKeys::read(std::string(80, 'a'))->name);
}

}  // namespace
}  // namespace portico::server
