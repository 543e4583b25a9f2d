#include "proxy/exchange/session_affinity.h"

#include <chrono>

#include "proxy/exchange/endpoint_choice.h"
#include "proxy/http/date.h"
#include "routing/session_cookie.h"

namespace portico::exchange {

using http::FieldId;

// HTTP/2 brings one field; of HTTP/1 every one is looked at (RFC 6265 5.4 allows one).
std::string_view find_session(const http::FieldBlock& fields, std::string_view name,
                              std::string_view backend) {
  if (fields.count(FieldId::kCookie) == 0) {
    return {};
  }
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const auto field = fields[i];
    if (field.id != FieldId::kCookie) {
      continue;
    }
    if (const auto key = routing::find_session_key(field.value, name, backend); !key.empty()) {
      return key;
    }
  }
  return {};
}

std::size_t SessionAffinity::next(const routing::AffinitySpec& spec,
                                  const routing::AffinityTable& table, const ChoiceRequest& request,
                                  routing::Lots& lots, routing::AffinityTable::Skips skips) {
  set_cookie_.clear();
  const auto& fields = request.head.fields;
  const auto choice =
      routing::choose_by_affinity(table, find_session(fields, spec.cookie_name, table.backend()),
                                  spec.change_on_failure, lots, skips);
  if (choice.new_key) {
    http::DateCache date;
    set_cookie_ = routing::write_session_cookie(
        spec,
        {.key = choice.new_key->text(),
         .backend = table.backend(),
         .route_path = request.route_path,
         .https = request.client.https(),
         .user_agent = fields.find(FieldId::kUserAgent).value_or(std::string_view()),
         .expires = spec.expires_seconds ? date.at(std::chrono::system_clock::now() +
                                                   std::chrono::seconds(*spec.expires_seconds))
                                         : std::string_view()});
  }
  return choice.endpoint;
}

}  // namespace portico::exchange
