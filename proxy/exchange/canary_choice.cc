#include "proxy/exchange/canary_choice.h"

#include <optional>
#include <string_view>

#include "proxy/exchange/request_hash.h"
#include "proxy/exchange/session_affinity.h"
#include "proxy/http/chars.h"
#include "routing/canary.h"

namespace portico::exchange {
namespace {

using Session = routing::CanaryFacts::Session;

const Backend* backend_of(const routing::Route& route, const Config& config) {
  return config.backends.find(static_cast<std::size_t>(route.backend));
}

bool can_serve(const Backend* backend, bool is_tls) {
  if (backend == nullptr || !backend->spec->missing_because.empty() ||
      !backend->spec->denied_because.empty()) {
    return false;
  }
  const bool by_tls = backend->spec->tls_like_client && is_tls;
  return !(by_tls ? backend->tls_endpoints : backend->endpoints).empty();
}

// Of several fields of one name the first counts.
std::optional<std::string_view> header_of(const http::FieldBlock& fields, std::string_view name) {
  const auto id = http::field_id(name);
  if (id != http::FieldId::kOther) {
    return fields.find(id);
  }
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (const auto field = fields[i];
        field.id == http::FieldId::kOther && http::equals_no_case(field.name, name)) {
      return field.value;
    }
  }
  return std::nullopt;
}

bool has_session(const Backend* backend, const http::FieldBlock& fields) {
  return backend != nullptr && backend->affinity != nullptr &&
         !find_session(fields, backend->spec->balance->affinity->cookie_name,
                       backend->affinity->backend())
              .empty();
}

Session session_of(const Backend* main, const Backend* canary, const http::FieldBlock& fields) {
  if (fields.count(http::FieldId::kCookie) == 0) {
    return Session::kNone;
  }
  if (has_session(main, fields)) {
    return Session::kMain;
  }
  return has_session(canary, fields) ? Session::kCanary : Session::kNone;
}

}  // namespace

const routing::Route& choose_canary(const routing::Route& main, const http::FieldBlock& fields,
                                    const Config& config, bool is_tls, routing::Lots& lots) {
  const auto& canary = *main.canary;
  const auto* backend = backend_of(canary.route, config);
  if (!can_serve(backend, is_tls)) {
    return main;
  }
  const auto& rule = *canary.rule;
  routing::CanaryFacts facts;
  if (rule.heeds_affinity) {
    facts.session = session_of(backend_of(main, config), backend, fields);
  }
  if (!rule.header.empty()) {
    facts.header = header_of(fields, rule.header);
  }
  if (!rule.cookie.empty()) {
    facts.cookie = find_cookie(fields, rule.cookie);
  }
  return routing::choose_canary(rule, facts, lots) ? canary.route : main;
}

const routing::Route* follow_canary(const routing::Route& main, const routing::Route& before,
                                    bool by_canary) {
  const auto& backend = before.spec->backend;
  if (main.spec->backend == backend) {
    return &main;
  }
  if (main.canary != nullptr && main.canary->route.spec->backend == backend) {
    return &main.canary->route;
  }
  return by_canary ? &main : nullptr;
}

}  // namespace portico::exchange
