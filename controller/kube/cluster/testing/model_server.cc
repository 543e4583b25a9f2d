#include "controller/kube/cluster/testing/model_server.h"

#include <algorithm>

#include <fmt/format.h>

#include "controller/kube/cluster/label_selector.h"
#include "controller/kube/cluster/resource.h"

namespace portico::kube::testing {
namespace {

std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string api_version(std::size_t kind) {
  const auto& resource = resource_kind(kind);
  return resource.group.empty() ? "v1" : std::string(resource.group) + "/v1";
}

}  // namespace

// A request's target, taken apart.
struct ModelServer::Asked {
  explicit Asked(std::string_view target) {
    const auto question = target.find('?');
    std::string_view path = target.substr(0, question);
    plural = path.substr(path.rfind('/') + 1);
    if (const auto at = path.find("/namespaces/"); at != std::string_view::npos) {
      const auto rest = path.substr(at + 12);
      namespace_ = rest.substr(0, rest.find('/'));
    }
    while (resource_kind(kind).plural != plural) {
      ++kind;
    }
    std::string_view query =
        question == std::string_view::npos ? std::string_view() : target.substr(question + 1);
    while (!query.empty()) {
      const auto pair = query.substr(0, query.find('&'));
      query.remove_prefix(std::min(pair.size() + 1, query.size()));
      const auto equals = pair.find('=');
      parameters[std::string(pair.substr(0, equals))] = unescaped(pair.substr(equals + 1));
    }
  }

  [[nodiscard]] std::string parameter(const std::string& name) const {
    const auto found = parameters.find(name);
    return found == parameters.end() ? "" : found->second;
  }
  [[nodiscard]] bool matches(const Event& event) const {
    if (event.key.kind != kind || (!namespace_.empty() && event.key.namespace_ != namespace_)) {
      return false;
    }
    const auto field = parameter("fieldSelector");
    const bool by_name = field.starts_with("metadata.name=");
    const bool by_type = field.starts_with("type=");
    if (by_name && field.substr(14) != event.key.name) {
      return false;
    }
    if (by_type && event.fields.find("\"type\":\"" + field.substr(5)) == std::string::npos) {
      return false;
    }
    const auto label = parameter("labelSelector");
    const auto equals = label.find('=');
    return label.empty() ||
           event.labels.find(fmt::format("\"{}\":\"{}\"", label.substr(0, equals),
                                         label.substr(equals + 1))) != std::string::npos;
  }

  std::size_t kind = 0;
  std::string plural, namespace_;
  std::map<std::string, std::string> parameters;
};

void ModelServer::put(const ObjectKey& key, const std::string& fields, const std::string& labels) {
  const auto now = at(version_);
  history_.push_back({++version_, now.contains(key) ? "MODIFIED" : "ADDED", key, fields, labels});
}

void ModelServer::remove(const ObjectKey& key) {
  const auto now = at(version_);
  if (const auto found = now.find(key); found != now.end()) {
    history_.push_back({++version_, "DELETED", key, found->second.fields, found->second.labels});
  }
}

std::map<ObjectKey, ModelServer::Event> ModelServer::at(std::uint64_t version) const {
  std::map<ObjectKey, Event> state;
  for (const Event& event : history_) {
    if (event.version > version) {
      break;
    }
    if (event.type == "DELETED") {
      state.erase(event.key);
    } else {
      state[event.key] = event;
    }
  }
  return state;
}

std::map<ObjectKey, std::string> ModelServer::state() const {
  std::map<ObjectKey, std::string> state;
  for (const auto& [key, event] : at(version_)) {
    state[key] = event.fields;
  }
  return state;
}

std::string ModelServer::body_of(const Event& event, bool with_kind) {
  std::string body = "{";
  if (with_kind) {
    body += fmt::format(R"("kind":"{}","apiVersion":"{}",)", kind_name(event.key.kind),
                        api_version(event.key.kind));
  }
  body += fmt::format(R"("metadata":{{"name":"{}",)", event.key.name);
  if (!event.key.namespace_.empty()) {
    body += fmt::format(R"("namespace":"{}",)", event.key.namespace_);
  }
  return body + fmt::format(R"("resourceVersion":"{}","labels":{{{}}},)"
                            R"("managedFields":[{{"fieldsV1":{{"f:spec":{{}}}}}}]}}{}{}}})",
                            event.version, event.labels, event.fields.empty() ? "" : ",",
                            event.fields);
}

int ModelServer::refused(const Asked& asked) const {
  const auto found = refused_.find(asked.plural);
  return found == refused_.end() ? 0 : found->second;
}

ApiResponse ModelServer::refusal(int status, std::string_view message) {
  return {.status = status,
          .retry_after = std::nullopt,
          .body = fmt::format(R"({{"kind":"Status","apiVersion":"v1","metadata":{{}},)"
                              R"("status":"Failure","message":"{}","code":{}}})",
                              message, status)};
}

std::string ModelServer::error_event(int code) {
  return fmt::format(R"({{"type":"ERROR","object":{}}})", refusal(code).body) + "\n";
}

ApiResponse ModelServer::list(const std::string& target) const {
  const Asked asked(target);
  if (const int status = refused(asked); status != 0) {
    return refusal(status, asked.plural + " is forbidden");
  }
  std::uint64_t version = version_;
  std::size_t offset = 0;
  if (const auto token = asked.parameter("continue"); !token.empty()) {
    version = std::stoull(token);
    offset = std::stoull(token.substr(token.find('.') + 1));
    if (version < compacted_) {
      return refusal(410, "The provided continue parameter is too old");
    }
  }
  std::string items;
  std::size_t index = 0;
  std::string next;
  const bool all = asked.parameter("limit").empty();
  for (const auto& [key, event] : at(version)) {
    if (!asked.matches(event) || index++ < offset) {
      continue;
    }
    if (!all && index > offset + page_) {
      next = fmt::format("{}.{}", version, offset + page_);
      break;
    }
    items += (items.empty() ? "" : ",") + body_of(event, false);
  }
  return {
      .status = 200,
      .retry_after = std::nullopt,
      .body = fmt::format(R"({{"kind":"{}List","apiVersion":"{}","metadata":)"
                          R"({{"resourceVersion":"{}","continue":"{}"}},"items":[{}]}})",
                          kind_name(asked.kind), api_version(asked.kind), version, next, items)};
}

std::expected<std::string, ApiResponse> ModelServer::watch(const std::string& target,
                                                           std::uint64_t& cursor) const {
  const Asked asked(target);
  if (const int status = refused(asked); status != 0) {
    return std::unexpected(refusal(status, asked.plural + " is forbidden"));
  }
  if (cursor == 0) {
    cursor = std::stoull(asked.parameter("resourceVersion"));
    if (cursor < compacted_) {
      return std::unexpected(refusal(410, "too old resource version"));
    }
  }
  std::string text;
  for (const Event& event : history_) {
    if (event.version > cursor && asked.matches(event)) {
      text +=
          fmt::format(R"({{"type":"{}","object":{}}})", event.type, body_of(event, true)) + "\n";
    }
  }
  cursor = version_;
  return text;
}

std::string ModelServer::bookmark(const std::string& target) const {
  const Asked asked(target);
  return fmt::format(R"({{"type":"BOOKMARK","object":{{"kind":"{}","apiVersion":"{}",)"
                     R"("metadata":{{"resourceVersion":"{}"}}}}}})",
                     kind_name(asked.kind), api_version(asked.kind), version_) +
         "\n";
}

}  // namespace portico::kube::testing
