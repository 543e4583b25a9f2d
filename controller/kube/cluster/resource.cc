#include "controller/kube/cluster/resource.h"

#include <array>

#include <fmt/format.h>

namespace portico::kube {
namespace {

// RFC 3986 2.3: whatever is not unreserved is escaped.
std::string escaped(std::string_view text) {
  constexpr std::string_view kUnreserved =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string out;
  for (const char c : text) {
    if (kUnreserved.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

// Parameters as they are added: the first behind '?', the others behind '&'.
class Target {
 public:
  explicit Target(const ResourceQuery& query) {
    const ResourceKind& kind = resource_kind(query.kind);
    text_ = kind.api_path;
    if (!query.namespace_.empty()) {
      text_ += "/namespaces/" + escaped(query.namespace_);
    }
    text_ += "/" + std::string(kind.plural);
    add("fieldSelector", query.field_selector);
    add("labelSelector", query.label_selector);
  }
  void add(std::string_view name, std::string_view value) {
    if (!value.empty()) {
      text_ += fmt::format("{}{}={}", separator_, name, escaped(value));
      separator_ = '&';
    }
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
  char separator_ = '?';
};

}  // namespace

const ResourceKind& resource_kind(std::size_t kind) {
  static constexpr std::array<ResourceKind, std::variant_size_v<Object>> kKinds = {{
      {"/apis/networking.k8s.io/v1", "ingresses", "networking.k8s.io"},
      {"/apis/networking.k8s.io/v1", "ingressclasses", "networking.k8s.io", false},
      {"/api/v1", "services", ""},
      {"/apis/discovery.k8s.io/v1", "endpointslices", "discovery.k8s.io"},
      {"/api/v1", "secrets", ""},
      {"/api/v1", "configmaps", ""},
      {"/api/v1", "namespaces", "", false},
  }};
  return kKinds.at(kind);
}

std::string ResourceQuery::list_target(std::size_t limit, std::string_view token) const {
  Target target(*this);
  target.add("limit", limit == 0 ? std::string() : std::to_string(limit));
  target.add("continue", token);
  return target.take();
}

std::string ResourceQuery::watch_target(std::string_view version,
                                        std::chrono::seconds timeout) const {
  Target target(*this);
  target.add("watch", "1");
  target.add("allowWatchBookmarks", "true");
  target.add("resourceVersion", version);
  target.add("timeoutSeconds", std::to_string(timeout.count()));
  return target.take();
}

std::string ResourceQuery::to_string() const {
  std::string text(resource_kind(kind).plural);
  if (!namespace_.empty()) {
    text += " in namespace " + namespace_;
  }
  return text;
}

}  // namespace portico::kube
