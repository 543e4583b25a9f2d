#include "controller/kube/cluster/api_objects.h"

#include <array>
#include <charconv>

#include <fmt/format.h>

#include "controller/kube/cluster/resource.h"
#include "controller/kube/decode_kinds.h"
#include "controller/kube/document_reader.h"

namespace portico::kube {
namespace {

constexpr std::size_t kLongestMessage = 300;

// What is never looked at again: it would only be kept for each of tens of thousands.
void drop_unused(Metadata& meta, std::size_t kind) {
  meta.resource_version.clear();
  if (kind != kind_index<Namespace>()) {
    meta.labels.clear();
  }
  if (kind == kind_index<Secret>() || kind == kind_index<Namespace>()) {
    meta.annotations.clear();
  }
  if (kind == kind_index<Service>() || kind == kind_index<EndpointSlice>()) {
    std::erase_if(meta.annotations,
                  [](const auto& entry) { return !entry.first.starts_with("portico.dev/"); });
  }
}

std::string first_error(const routing::Diagnostics& found) {
  for (const auto& diagnostic : found) {
    if (diagnostic.severity == routing::Severity::kError) {
      return diagnostic.field + ": " + diagnostic.message;
    }
  }
  return "it can't be used";
}

template <class T>
void read_as(Value value, ApiObject& out) {
  auto object = std::make_shared<Object>(std::in_place_type<T>);
  T& typed = std::get<T>(*object);
  const At at{nullptr, value, {}};
  routing::Diagnostics found;
  FieldReader reader(ref_of(out.key), "", found, UnknownFields::kIgnored);
  read_root(reader, at, typed);
  reader.require(at, "metadata");
  if (reader.is_broken() || typed.meta.name.empty()) {
    out.problem = first_error(found);
    return;
  }
  typed.meta.namespace_ = out.key.namespace_;
  drop_unused(typed.meta, out.key.kind);
  if constexpr (std::is_same_v<T, Secret>) {
    compact_pair(typed);
  }
  out.object = std::move(object);
}

using Reader = void (*)(Value, ApiObject&);
constexpr std::array<Reader, std::variant_size_v<Object>> kReaders = {
    read_as<Ingress>, read_as<IngressClass>, read_as<Service>,  read_as<EndpointSlice>,
    read_as<Secret>,  read_as<ConfigMap>,    read_as<Namespace>};

// Takes the items as they are told, the list at the end.
class PageSink final : public DocumentSink {
 public:
  PageSink(std::size_t kind, ListPage& page) : kind_(kind), page_(page) {}

  void on_document(Value root, std::span<const DocumentProblem> /*problems*/) override {
    if (!is_list(root)) {
      page_.objects.push_back(read_api_object(kind_, root));
      return;
    }
    const Value meta = root.find("metadata");
    page_.version = meta.member_text("resourceVersion");
    page_.next = meta.member_text("continue");
    found_list_ = true;
  }
  [[nodiscard]] bool found_list() const { return found_list_; }

 private:
  // Items of a typed list have no kind.
  static bool is_list(Value root) { return root.member_text("kind").ends_with("List"); }

  const std::size_t kind_;
  ListPage& page_;
  bool found_list_ = false;
};

class StatusSink final : public DocumentSink {
 public:
  void on_document(Value root, std::span<const DocumentProblem> /*problems*/) override {
    status = read_status(root);
  }
  ApiStatus status;
};

}  // namespace

ApiObject read_api_key(std::size_t kind, Value value) {
  const Value meta = value.find("metadata");
  ApiObject out;
  out.key = {kind, std::string(meta.member_text("namespace")),
             std::string(meta.member_text("name"))};
  out.version = meta.member_text("resourceVersion");
  if (!resource_kind(kind).namespaced) {
    out.key.namespace_.clear();
  }
  return out;
}

ApiObject read_api_object(std::size_t kind, Value value) {
  ApiObject out = read_api_key(kind, value);
  const std::string_view named = value.member_text("kind");
  if (!named.empty() && named != kind_name(kind)) {
    out.problem = fmt::format("it is of kind {}, not {}", quoted(named), kind_name(kind));
    return out;
  }
  if (resource_kind(kind).namespaced && out.key.namespace_.empty()) {
    out.problem = "it names no namespace";
    return out;
  }
  kReaders.at(kind)(value, out);
  return out;
}

std::optional<std::string> read_list_page(std::size_t kind, std::string_view body,
                                          Document& scratch, ListPage& page) {
  PageSink sink(kind, page);
  if (const auto error = read_api_json(body, scratch, sink)) {
    return fmt::format("a list that can't be read: {} (column {})", error->message, error->column);
  }
  if (!sink.found_list()) {
    return "an answer that is no list";
  }
  return std::nullopt;
}

ApiStatus read_status(Value value) {
  ApiStatus status;
  const std::string_view code = value.member_text("code");
  std::from_chars(code.data(), code.data() + code.size(), status.code);
  status.reason = value.member_text("reason");
  status.message = value.member_text("message").substr(0, kLongestMessage);
  return status;
}

ApiStatus read_status(std::string_view body, Document& scratch) {
  StatusSink sink;
  if (read_api_json(body, scratch, sink) || sink.status.message.empty()) {
    sink.status.message = body.substr(0, kLongestMessage);
  }
  return sink.status;
}

}  // namespace portico::kube
