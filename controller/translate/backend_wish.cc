#include "controller/translate/backend_wish.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <absl/strings/ascii.h>
#include <absl/strings/str_split.h>
#include <fmt/format.h>

#include "controller/translate/annotations.h"
#include "tls/client_context.h"
#include "tls/upstream_options.h"

namespace portico::translate {
namespace {

using Protocol = BackendWish::Protocol;

struct NamedProtocol {
  std::string_view name;
  Protocol protocol;
};
constexpr std::array<NamedProtocol, 5> kProtocols{{{"HTTP", Protocol::kHttp},
                                                   {"HTTPS", Protocol::kHttps},
                                                   {"GRPC", Protocol::kGrpc},
                                                   {"GRPCS", Protocol::kGrpcs},
                                                   {"AUTO_HTTP", Protocol::kAutoHttp}}};

constexpr std::array<NamedProtocol, 7> kAppProtocols{{
    {"http", Protocol::kHttp},
    {"kubernetes.io/ws", Protocol::kHttp},
    {"https", Protocol::kHttps},
    {"kubernetes.io/wss", Protocol::kHttps},
    {"kubernetes.io/h2c", Protocol::kGrpc},
    {"grpc", Protocol::kGrpc},
    {"grpcs", Protocol::kGrpcs},
}};

std::expected<bool, std::string_view> read_on_off(std::string_view value) {
  if (value == "on" || value == "off") {
    return value == "on";
  }
  return std::unexpected("\"on\" or \"off\"");
}

// Namespace and name, as DNS has them.
bool is_object_name(std::string_view text) {
  return !text.empty() && text.size() <= 253 && std::ranges::all_of(text, [](unsigned char c) {
    return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-' || c == '.';
  });
}

bool is_server_name(std::string_view text) {
  return !text.empty() && text.size() <= 253 && std::ranges::all_of(text, [](unsigned char c) {
    return absl::ascii_isalnum(c) || c == '-' || c == '.' || c == '_' || c == ':';
  });
}

// Among which addresses, and how: as given, because a Service's annotations may join in with what
// amounts to the same without them. Values with their length, so that none looks like what follows.
std::string spread_text(const BackendWish& wish) {
  std::string text = wish.service_upstream ? ";to=service" : "";
  for (const auto& asked : wish.asked) {
    text.append(fmt::format(";{}={}:{}", asked.row->name, asked.value.size(), asked.value));
  }
  return text;
}

// What stands against the Secret of proxy-ssl-secret; empty: nothing. One that shows and trusts
// nothing is another than was meant.
std::string_view unusable(const kube::Secret& secret) {
  const auto has = [&secret](std::string_view entry) { return secret.data.contains(entry); };
  if (secret.pair != nullptr) {
    return {};
  }
  if (has("tls.crt") && has("tls.key")) {
    return "has a tls.crt or a tls.key that is no PEM";
  }
  return has("ca.crt") ? "" : "has neither ca.crt nor tls.crt and tls.key";
}

}  // namespace

std::string BackendWish::text() const {
  const BackendWish nothing;
  if (*this == nothing) {
    return {};
  }
  constexpr std::array<std::string_view, 6> kNames{"", "http", "https", "grpc", "grpcs", "auto"};
  std::string text(kNames[static_cast<std::size_t>(protocol)]);
  if (protocol == Protocol::kHttp || protocol == Protocol::kGrpc) {
    return text + spread_text(*this);  // in plaintext nothing else counts
  }
  const auto add = [&text](std::string_view what, std::string_view value) {
    text.append(";").append(what).append("=").append(value);
  };
  if (!secret.empty()) {
    add("secret", secret);
  }
  if (verifies) {
    add("verify", std::to_string(verify_depth));
  }
  if (!name.empty()) {
    add("name", name);
  }
  if (sends_server_name) {
    add("sni", "on");
  }
  if (ciphers != nothing.ciphers) {
    add("ciphers", ciphers);
  }
  if (!allows_tls12 || !allows_tls13) {
    add("tls", allows_tls12 ? "1.2" : "1.3");
  }
  if (refuses_plaintext) {
    add("plaintext", "refused");
  }
  return text + spread_text(*this);
}

// As ingress-nginx reads it: case and spaces around don't matter.
WishResult read_backend_protocol(std::string_view value, BackendWish& wish) {
  const auto name = absl::AsciiStrToUpper(
      absl::string_view(absl::StripAsciiWhitespace({value.data(), value.size()})));
  const auto* const known = std::ranges::find(kProtocols, name, &NamedProtocol::name);
  if (known == kProtocols.end()) {
    return std::unexpected(name == "FCGI"
                               ? "HTTP, HTTPS, GRPC, GRPCS or AUTO_HTTP: Portico speaks no FastCGI"
                               : "HTTP, HTTPS, GRPC, GRPCS or AUTO_HTTP");
  }
  wish.protocol = known->protocol;
  return {};
}

WishResult read_tls_secret(std::string_view value, BackendWish& wish) {
  const auto slash = value.find('/');
  if (slash == std::string_view::npos || !is_object_name(value.substr(0, slash)) ||
      !is_object_name(value.substr(slash + 1))) {
    return std::unexpected("\"namespace/name\" of a Secret");
  }
  wish.secret = value;
  return {};
}

WishResult read_tls_verify(std::string_view value, BackendWish& wish) {
  const auto on = read_on_off(value);
  if (!on) {
    return std::unexpected(on.error());
  }
  wish.verifies = *on;
  return {};
}

WishResult read_tls_verify_depth(std::string_view value, BackendWish& wish) {
  int depth = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), depth);
  if (error != std::errc{} || end != value.data() + value.size() || depth < 0 || depth > 100) {
    return std::unexpected("a number from 0 to 100");
  }
  wish.verify_depth = depth == 0 ? 1 : depth;  // as ingress-nginx: 0 is the default
  return {};
}

WishResult read_tls_name(std::string_view value, BackendWish& wish) {
  if (!is_server_name(value)) {
    return std::unexpected("a host name or an IP address");
  }
  wish.name = absl::AsciiStrToLower({value.data(), value.size()});
  return {};
}

WishResult read_tls_server_name(std::string_view value, BackendWish& wish) {
  const auto on = read_on_off(value);
  if (!on) {
    return std::unexpected(on.error());
  }
  wish.sends_server_name = *on;
  return {};
}

WishResult read_tls_ciphers(std::string_view value, BackendWish& wish) {
  constexpr std::string_view kAlso = "!:+-@=_.";
  const bool fits = std::ranges::all_of(value, [&](unsigned char c) {
    return absl::ascii_isalnum(c) || kAlso.contains(static_cast<char>(c));
  });
  constexpr std::size_t kMostBytes = 4096;  // far more than OpenSSL has names
  if (value.empty() || value.size() > kMostBytes || !fits) {
    return std::unexpected("a list of ciphers as OpenSSL writes it");
  }
  wish.ciphers = value;
  return {};
}

// Older versions may be named; those that are left count.
WishResult read_tls_protocols(std::string_view value, BackendWish& wish) {
  constexpr std::array<std::string_view, 4> kOlder{"SSLv2", "SSLv3", "TLSv1", "TLSv1.1"};
  bool tls12 = false;
  bool tls13 = false;
  for (const auto word :
       absl::StrSplit(absl::string_view(value.data(), value.size()), ' ', absl::SkipEmpty())) {
    const std::string_view version(word.data(), word.size());
    if (version == "TLSv1.2") {
      tls12 = true;
    } else if (version == "TLSv1.3") {
      tls13 = true;
    } else if (std::ranges::find(kOlder, version) == kOlder.end()) {
      return std::unexpected("a list of TLSv1.2 and TLSv1.3");
    }
  }
  if (!tls12 && !tls13) {
    return std::unexpected("a list with TLSv1.2 or TLSv1.3: nothing older is spoken");
  }
  wish.allows_tls12 = tls12;
  wish.allows_tls13 = tls13;
  return {};
}

Speech resolve_speech(BackendWish::Protocol wish, std::string_view app_protocol) {
  if (wish == Protocol::kByService) {
    const auto* const known = std::ranges::find(kAppProtocols, app_protocol, &NamedProtocol::name);
    wish = known == kAppProtocols.end() ? Protocol::kHttp : known->protocol;
  }
  const bool is_grpc = wish == Protocol::kGrpc || wish == Protocol::kGrpcs;
  return {
      .protocol = is_grpc ? routing::BackendProtocol::kHttp2 : routing::BackendProtocol::kHttp1,
      .tls = wish == Protocol::kHttps || wish == Protocol::kGrpcs || wish == Protocol::kAutoHttp,
      .tls_like_client = wish == Protocol::kAutoHttp};
}

std::expected<std::shared_ptr<const routing::UpstreamTlsSpec>, std::string> resolve_tls(
    const BackendWish& wish, routing::BackendProtocol protocol, const kube::Secret* secret,
    std::string_view default_name) {
  auto spec = std::make_shared<routing::UpstreamTlsSpec>();
  spec->verifies = wish.verifies;
  spec->verify_depth = wish.verify_depth;
  spec->name = wish.name.empty() && wish.verifies ? std::string(default_name) : wish.name;
  spec->sends_server_name = wish.sends_server_name;
  spec->allows_tls12 = wish.allows_tls12;
  spec->allows_tls13 = wish.allows_tls13;
  spec->ciphers = wish.ciphers;
  if (!wish.secret.empty() && secret == nullptr) {
    return std::unexpected(fmt::format("there is no Secret \"{}\"", wish.secret));
  }
  if (secret != nullptr) {
    if (const auto problem = unusable(*secret); !problem.empty()) {
      return std::unexpected(fmt::format("Secret \"{}\" {}", wish.secret, problem));
    }
    spec->certificate = secret->pair;
    const auto authorities = secret->data.find("ca.crt");
    if (wish.verifies && authorities != secret->data.end()) {
      spec->authorities_pem = authorities->second;
    }
  }
  if (wish.verifies && spec->authorities_pem.empty()) {
    return std::unexpected(
        wish.secret.empty()
            ? std::string("proxy-ssl-verify is on, but no proxy-ssl-secret says whom to trust")
            : fmt::format("proxy-ssl-verify is on, but Secret \"{}\" has no ca.crt", wish.secret));
  }
  if (const auto context = tls::ClientContext::create(tls::upstream_options(*spec, protocol));
      !context) {
    return std::unexpected(wish.secret.empty()
                               ? context.error()
                               : fmt::format("Secret \"{}\": {}", wish.secret, context.error()));
  }
  return spec;
}

}  // namespace portico::translate
