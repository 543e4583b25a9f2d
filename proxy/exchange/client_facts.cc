#include "proxy/exchange/client_facts.h"

#include <charconv>

#include "proxy/http/chars.h"

namespace portico::exchange {
namespace {

using http::FieldBlock;
using http::FieldId;
using routing::ClientAddressSettings;

constexpr std::string_view kForwardedFor = "X-Forwarded-For";
constexpr std::string_view kForwarded = "Forwarded";

// The values of a header from its last line to its first, until `take` says that is enough.
template <class Take>
void for_each_from_last(const FieldBlock& fields, std::string_view name, Take take) {
  for (std::size_t i = fields.size(); i-- > 0;) {
    if (http::equals_no_case(fields[i].name, name) && !take(fields[i].value)) {
      return;
    }
  }
}

std::string_view first_value(const FieldBlock& fields, std::string_view name) {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (http::equals_no_case(fields[i].name, name)) {
      return fields[i].value;
    }
  }
  return {};
}

// Every line, as one list (RFC 9110 5.3), with room for one more behind it.
void join(std::string& to, const FieldBlock& fields, std::string_view name) {
  to.clear();
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (http::equals_no_case(fields[i].name, name)) {
      to.append(fields[i].value).append(", ");
    }
  }
}

}  // namespace

void ClientFacts::decide(const ClientAddressSettings& settings, const http::RequestHead& head,
                         const net::TransportInfo& connection) {
  const bool announced = connection.announced != net::Announced::kNothing;
  address_ = &connection.peer;
  https_ = connection.tls != nullptr || connection.announced == net::Announced::kHttps;
  host_ = head.authority;
  redirect_host_ = port_ = forwarded_ = {};
  for_header_.clear();
  if (announced) {
    const auto* const end =
        std::to_chars(port_text_.begin(), port_text_.end(), connection.local.port()).ptr;
    port_ = {port_text_.data(), end};
  }
  const bool believed = settings.reads_headers() && settings.trusts(connection.peer.ip_bytes());
  if (believed) {
    // Whom a PROXY header names is looked behind only where a list trusts him: enable-real-ip alone
    // does not (nginx's real_ip_header proxy_protocol), and without a list anybody would be.
    const bool looks_behind =
        !announced || (settings.use_forwarded_headers && settings.trusted_proxies);
    const bool rfc7239 = settings.use_forwarded_headers && settings.forwarded_header &&
                         looks_behind && believe_forwarded(settings, head.fields);
    if (!rfc7239) {
      if (looks_behind) {
        walk(settings, head.fields);
      }
      if (settings.use_forwarded_headers) {
        believe(settings, head);
      }
    }
  }
  address_text_ = forwarded_for_ = address_->format_ip(text_);
  if (!http::equals_no_case(settings.forwarded_for_header, kForwardedFor)) {
    for_header_ = settings.forwarded_for_header;
  }
  if (settings.use_forwarded_headers || settings.forwarded_header) {
    write_lists(settings, head, connection, believed);
  }
}

void ClientFacts::walk(const ClientAddressSettings& settings, const FieldBlock& fields) {
  routing::ForwardedWalk walk(settings);
  for_each_from_last(fields, settings.forwarded_for_header,
                     [&walk](std::string_view list) { return walk.take_list(list); });
  claim_address(walk.client());
}

void ClientFacts::believe(const ClientAddressSettings& settings, const http::RequestHead& head) {
  const auto& fields = head.fields;
  if (const auto proto = fields.find(FieldId::kXForwardedProto)) {
    https_ = routing::forwarded_https(*proto).value_or(https_);
  }
  if (const auto port = fields.find(FieldId::kXForwardedPort)) {
    const auto claimed = routing::forwarded_port(*port);
    port_ = claimed.empty() ? port_ : claimed;
  }
  claim_host(routing::first_of_list(first_value(fields, settings.forwarded_host_header)));
}

// True: an element was believed, so that X-Forwarded-* is not looked at. What it says of the scheme
// and the host was written by the proxy that the client spoke to.
bool ClientFacts::believe_forwarded(const ClientAddressSettings& settings,
                                    const FieldBlock& fields) {
  routing::ForwardedWalk walk(settings);
  std::optional<routing::ForwardedElement> client;
  for_each_from_last(fields, kForwarded, [&](std::string_view line) {
    const routing::ForwardedElements elements(line);
    const auto all = elements.all();
    for (std::size_t i = all.size(); i-- > 0;) {
      const auto element = routing::ForwardedElements::read(all[i]);
      if (!element || routing::address_of_node(element->node).empty()) {
        return false;
      }
      client = element;
      if (!walk.take_node(element->node)) {
        return false;
      }
    }
    return !all.empty();
  });
  if (!client) {
    return false;
  }
  claim_address(walk.client());
  https_ = routing::forwarded_https(client->proto).value_or(https_);
  claim_host(client->host);
  return true;
}

void ClientFacts::claim_address(std::string_view ip) {
  if (const auto address = net::SocketAddress::from(ip, 0)) {
    claimed_ = *address;
    address_ = &claimed_;
  }
}

void ClientFacts::claim_host(std::string_view authority) {
  if (authority.empty()) {
    return;
  }
  if (const auto host = routing::request_host(authority, host_buffer_); host && !host->empty()) {
    host_ = authority;
    redirect_host_ = *host;
  }
}

// What a peer that is not believed has listed is not passed on as if it were known.
void ClientFacts::write_lists(const ClientAddressSettings& settings, const http::RequestHead& head,
                              const net::TransportInfo& connection, bool believed) {
  const bool appends =
      believed && settings.use_forwarded_headers && settings.compute_full_forwarded_for;
  net::SocketAddress::TextBuffer buffer;
  const auto peer = connection.peer.format_ip(buffer);
  if (appends) {
    join(list_, head.fields, kForwardedFor);
    forwarded_for_ = list_.append(peer);
  }
  if (settings.forwarded_header) {
    forwarded_text_.clear();
    if (appends) {
      join(forwarded_text_, head.fields, kForwarded);
    }
    // Of proxies that write X-Forwarded-For alone there is no list: then it is the client's.
    const bool continues = !forwarded_text_.empty();
    routing::append_forwarded(forwarded_text_, continues ? peer : address_text_, host_,
                              https_ ? "https" : "http");
    forwarded_ = forwarded_text_;
  }
}

}  // namespace portico::exchange
