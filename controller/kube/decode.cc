#include "controller/kube/decode.h"

#include <array>

#include <fmt/format.h>

#include "controller/kube/decode_kinds.h"
#include "controller/kube/document_reader.h"
#include "controller/kube/nearest_name.h"

namespace portico::kube {
namespace {

using routing::Severity;

bool is_cluster_scoped(std::string_view kind) {
  return kind == "IngressClass" || kind == "Namespace";
}

// One document of a kind that is read.
class ObjectDecoder {
 public:
  ObjectDecoder(const At& root, std::string_view kind,
                const std::shared_ptr<const std::string>& file, Decoded& out)
      : root_(root), file_(file), out_(out), reader_(ref(root, kind), *file, out.diagnostics) {}

  FieldReader& reader() { return reader_; }

  template <class T>
  void decode(bool namespaced) {
    auto object = std::make_shared<Object>(std::in_place_type<T>);
    T& value = std::get<T>(*object);
    read_root(reader_, root_, value);
    reader_.require(root_, "metadata");
    if (!namespaced) {
      value.meta.namespace_.clear();
    } else if (value.meta.namespace_.empty()) {
      value.meta.namespace_ = "default";
    }
    if (reader_.is_broken()) {
      out_.broken.push_back(key_of(*object));
      return;
    }
    if constexpr (std::is_same_v<T, Secret>) {
      compact_pair(value);  // it holds the Secret's whole name
    }
    value.meta.origin = {file_, root_.value.line(), out_.documents - 1};
    out_.objects.push_back(std::move(object));
  }

 private:
  // The object's name as everybody else will say it.
  static routing::ObjectRef ref(const At& root, std::string_view kind) {
    const Value meta = root.value.find("metadata");
    std::string space(meta.member_text("namespace"));
    if (is_cluster_scoped(kind)) {
      space.clear();
    } else if (space.empty()) {
      space = "default";
    }
    return {std::string(kind), std::move(space), std::string(meta.member_text("name"))};
  }

  const At& root_;
  const std::shared_ptr<const std::string>& file_;
  Decoded& out_;
  FieldReader reader_;
};

template <class T, bool kNamespaced>
void decode_as(ObjectDecoder& decoder) {
  decoder.decode<T>(kNamespaced);
}

struct Kind {
  std::string_view name;
  std::string_view group;  // "" for the core
  std::string_view api_version;
  void (*decode)(ObjectDecoder&);
};

constexpr std::array<Kind, 6> kKinds = {{
    {"Ingress", "networking.k8s.io", "networking.k8s.io/v1", decode_as<Ingress, true>},
    {"IngressClass", "networking.k8s.io", "networking.k8s.io/v1", decode_as<IngressClass, false>},
    {"Service", "", "v1", decode_as<Service, true>},
    {"EndpointSlice", "discovery.k8s.io", "discovery.k8s.io/v1", decode_as<EndpointSlice, true>},
    {"Secret", "", "v1", decode_as<Secret, true>},
    {"ConfigMap", "", "v1", decode_as<ConfigMap, true>},
}};

std::string_view group_of(std::string_view api_version) {
  const std::size_t slash = api_version.find('/');
  return slash == std::string_view::npos ? std::string_view() : api_version.substr(0, slash);
}

// Ingress began in the group "extensions".
bool is_in_group(const Kind& kind, std::string_view api_version) {
  const std::string_view group = group_of(api_version);
  return group == kind.group || (kind.name == "Ingress" && group == "extensions");
}

class DocumentDecoder {
 public:
  DocumentDecoder(const std::shared_ptr<const std::string>& file, Decoded& out)
      : file_(file), out_(out) {}

  // `list_kind` and `list_version`: of the list it is an item of; the API server leaves them out in
  // items.
  void decode(Value root, std::span<const DocumentProblem> problems,
              std::string_view list_kind = {}, std::string_view list_version = {}) {
    ++out_.documents;
    const At at{nullptr, root, {}};
    std::string_view kind_name = root.member_text("kind");
    std::string_view version = root.member_text("apiVersion");
    kind_name = kind_name.empty() ? list_kind : kind_name;
    version = version.empty() ? list_version : version;
    ObjectDecoder decoder(at, kind_name, file_, out_);
    for (const DocumentProblem& problem : problems) {
      decoder.reader().report(Severity::kError, At{}, problem.message);
      out_.diagnostics.back().line = problem.line;
    }
    if (!root.is_map()) {
      decoder.reader().error(at, fmt::format("a document must be a map, not {}", described(root)));
      out_.has_unreadable_part = true;
      return;
    }
    if (kind_name.ends_with("List") && root.find("items")) {
      decode_items(root, kind_name.substr(0, kind_name.size() - 4), version);
      return;
    }
    decode_kind(decoder, at, kind_name, version);
  }

 private:
  void decode_items(Value root, std::string_view item_kind, std::string_view version) {
    for (Value item = root.find("items").first(); item; item = item.next()) {
      decode(item, {}, item_kind, item_kind.empty() ? std::string_view() : version);
    }
  }

  void decode_kind(ObjectDecoder& decoder, const At& at, std::string_view name,
                   std::string_view version) {
    if (name.empty()) {
      // A values file or the like may well lie in the folder.
      const bool meant = !version.empty() || at.value.find("spec");
      decoder.reader().report(meant ? Severity::kError : Severity::kWarning, at,
                              "names no kind; it is ignored", "add kind: and apiVersion:");
      out_.has_unreadable_part = out_.has_unreadable_part || meant;
      return;
    }
    for (const Kind& kind : kKinds) {
      if (kind.name == name && (version.empty() || is_in_group(kind, version))) {
        decode_version(decoder, at, kind, version);
        return;
      }
    }
    doubt_kind(decoder, at, name, version);
  }

  void decode_version(ObjectDecoder& decoder, const At& at, const Kind& kind,
                      std::string_view version) {
    if (version == kind.api_version) {
      kind.decode(decoder);
      return;
    }
    const At field = at.member("apiVersion");
    decoder.reader().error(
        field,
        version.empty() ? std::string("required field \"apiVersion\" is missing")
                        : fmt::format("{} is not served; the object is ignored", quoted(version)),
        kind.name == "Ingress" && !version.empty()
            ? "move it to networking.k8s.io/v1 (backend.service.name and .port, pathType)"
            : fmt::format("write apiVersion: {}", kind.api_version));
    break_object(at, kind);
  }

  void break_object(const At& at, const Kind& kind) {
    const Value meta = at.value.find("metadata");
    std::string space(meta.member_text("namespace"));
    if (is_cluster_scoped(kind.name)) {
      space.clear();
    } else if (space.empty()) {
      space = "default";
    }
    out_.broken.push_back({static_cast<std::size_t>(&kind - kKinds.data()), std::move(space),
                           std::string(meta.member_text("name"))});
  }

  // Other kinds are normal in manifests; one that is nearly ours in our group is a slip.
  void doubt_kind(ObjectDecoder& decoder, const At& at, std::string_view name,
                  std::string_view version) {
    std::vector<std::string_view> near;
    for (const Kind& kind : kKinds) {
      if (kind.api_version == version) {
        near.push_back(kind.name);
      }
    }
    if (const auto meant = nearest_name(name, near)) {
      decoder.reader().error(
          at.member("kind"),
          fmt::format("unknown kind {}: did you mean \"{}\"?", quoted(name), *meant),
          fmt::format("write kind: {}", *meant));
      out_.has_unreadable_part = true;
    }
  }

  const std::shared_ptr<const std::string>& file_;
  Decoded& out_;
};

class Sink final : public DocumentSink {
 public:
  Sink(const std::shared_ptr<const std::string>& file, Decoded& out) : file_(file), out_(out) {}
  void on_document(Value root, std::span<const DocumentProblem> problems) override {
    decode_document(root, problems, file_, out_);
  }

 private:
  const std::shared_ptr<const std::string>& file_;
  Decoded& out_;
};

void add_syntax_error(const SyntaxError& error, const std::string& file, Decoded& out) {
  out.has_unreadable_part = true;
  out.diagnostics.push_back({.severity = Severity::kError,
                             .message = fmt::format("can't be read: {} (line {}, column {})",
                                                    error.message, error.line, error.column),
                             .file = file,
                             .line = error.line});
}

}  // namespace

void decode_document(Value root, std::span<const DocumentProblem> problems,
                     const std::shared_ptr<const std::string>& file, Decoded& out) {
  DocumentDecoder(file, out).decode(root, problems);
}

void decode_yaml(std::string_view text, int first_line,
                 const std::shared_ptr<const std::string>& file, Document& scratch, Decoded& out) {
  Sink sink(file, out);
  if (const auto error = read_yaml(text, first_line, scratch, sink)) {
    add_syntax_error(*error, *file, out);
  }
}

void decode_json(std::string_view text, const std::shared_ptr<const std::string>& file,
                 Document& scratch, Decoded& out) {
  Sink sink(file, out);
  if (const auto error = read_json(text, scratch, sink)) {
    add_syntax_error(*error, *file, out);
  }
}

}  // namespace portico::kube
