#include <fmt/format.h>

#include "controller/kube/decode_kinds.h"

namespace portico::kube {
namespace {

constexpr Field<PortRef> kPortFields[] = {
    {"name", read_string<&PortRef::name>},
    {"number", read_integer<&PortRef::number>},
};

void read_port(FieldReader& reader, const At& at, IngressBackend& out) {
  reader.map<PortRef>(at, kPortFields, out.port);
  if (out.port.number != 0 && !out.port.name.empty()) {
    reader.error(at,
                 fmt::format("names a port twice: name {} and number {}", quoted(out.port.name),
                             out.port.number),
                 "keep one of them");
  }
}

constexpr Field<IngressBackend> kServiceFields[] = {
    {"name", read_string<&IngressBackend::service>},
    {"port", read_port},
};

void read_service(FieldReader& reader, const At& at, IngressBackend& out) {
  reader.map<IngressBackend>(at, kServiceFields, out);
  reader.require(at, "name");
}

constexpr Field<IngressBackend> kBackendFields[] = {
    {"service", read_service},
    {"resource", [](FieldReader&, const At&, IngressBackend& out) { out.is_resource = true; }},
};

void read_backend(FieldReader& reader, const At& at, IngressBackend& out) {
  // The shape of extensions/v1beta1 is still what many pages on the web show.
  if (at.value.find("serviceName") || at.value.find("servicePort")) {
    reader.break_with(at,
                      "has serviceName and servicePort, which ended with networking.k8s.io/v1beta1",
                      "write service: {name: ..., port: {number: ...}}");
    return;
  }
  reader.map<IngressBackend>(at, kBackendFields, out);
  if (at.value.is_map() && at.member("service").value.is_null() && !out.is_resource) {
    reader.break_with(at, "required field \"service\" is missing");
  }
}

constexpr Field<IngressPath> kPathFields[] = {
    {"path", read_string<&IngressPath::path>},
    {"pathType", read_string<&IngressPath::path_type>},
    {"backend",
     [](FieldReader& r, const At& at, IngressPath& out) { read_backend(r, at, out.backend); }},
};

void read_path(FieldReader& reader, const At& at, IngressPath& out) {
  reader.map<IngressPath>(at, kPathFields, out);
  reader.require(at, "pathType");
  reader.require(at, "backend");
}

constexpr Field<IngressRule> kHttpFields[] = {
    {"paths",
     [](FieldReader& r, const At& at, IngressRule& out) { r.list(at, out.paths, read_path); }},
};

void read_http(FieldReader& reader, const At& at, IngressRule& out) {
  reader.map<IngressRule>(at, kHttpFields, out);
  reader.require(at, "paths");
}

constexpr Field<IngressRule> kRuleFields[] = {
    {"host", read_string<&IngressRule::host>},
    {"http", read_http},
};

constexpr Field<IngressTls> kTlsFields[] = {
    {"hosts", [](FieldReader& r, const At& at, IngressTls& out) { r.string_list(at, out.hosts); }},
    {"secretName", read_string<&IngressTls::secret>},
};

void read_rules(FieldReader& reader, const At& at, Ingress& out) {
  reader.list(at, out.rules, [](FieldReader& r, const At& item, IngressRule& rule) {
    r.map<IngressRule>(item, kRuleFields, rule);
  });
}

void read_tls(FieldReader& reader, const At& at, Ingress& out) {
  reader.list(at, out.tls, [](FieldReader& r, const At& item, IngressTls& tls) {
    r.map<IngressTls>(item, kTlsFields, tls);
  });
}

constexpr Field<Ingress> kSpecFields[] = {
    {"ingressClassName",
     [](FieldReader& r, const At& at, Ingress& out) { r.string(at, out.class_name.emplace()); }},
    {"defaultBackend", [](FieldReader& r, const At& at,
                          Ingress& out) { read_backend(r, at, out.default_backend.emplace()); }},
    {"rules", read_rules},
    {"tls", read_tls},
};

constexpr Field<Ingress> kRootFields[] = {
    {"apiVersion"},
    {"kind"},
    {"metadata", read_meta<Ingress>},
    {"spec",
     [](FieldReader& r, const At& at, Ingress& out) { r.map<Ingress>(at, kSpecFields, out); }},
    {"status", [](FieldReader&, const At& at,
                  Ingress& out) { read_load_balancer(at.value, out.load_balancer); }},
};

constexpr Field<IngressClass> kClassSpecFields[] = {
    {"controller", read_string<&IngressClass::controller>},
    {"parameters"},
};

constexpr Field<IngressClass> kClassRootFields[] = {
    {"apiVersion"},
    {"kind"},
    {"metadata", read_meta<IngressClass>},
    {"spec", [](FieldReader& r, const At& at,
                IngressClass& out) { r.map<IngressClass>(at, kClassSpecFields, out); }},
};

}  // namespace

void read_root(FieldReader& reader, const At& root, Ingress& out) {
  reader.map<Ingress>(root, kRootFields, out);
}

void read_root(FieldReader& reader, const At& root, IngressClass& out) {
  reader.map<IngressClass>(root, kClassRootFields, out);
}

}  // namespace portico::kube
