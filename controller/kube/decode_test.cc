#include "controller/kube/decode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/kube/document_reader.h"

namespace portico::kube {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

Decoded decode(std::string_view text) {
  Decoded out;
  Document scratch;
  const auto file = std::make_shared<const std::string>("web.yaml");
  for (const YamlPart& part : split_yaml(text)) {
    decode_yaml(part.text, part.line, file, scratch, out);
  }
  return out;
}

std::string lines(const routing::Diagnostics& diagnostics) {
  std::string out;
  for (const auto& found : diagnostics) {
    out += found.file + ":" + std::to_string(found.line) + ": " + found.object.to_string() + ": " +
           found.field + ": " + found.message + "\n";
  }
  return out;
}

template <class T>
const T& only(const Decoded& decoded) {
  EXPECT_EQ(lines(decoded.diagnostics), "");
  EXPECT_EQ(decoded.objects.size(), 1U);
  return std::get<T>(*decoded.objects.at(0));
}

TEST(Decode, IngressAsTheApiServesIt) {
  const Decoded decoded = decode(R"(apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: |
      {"apiVersion":"networking.k8s.io/v1"}
    nginx.ingress.kubernetes.io/ssl-redirect: "false"
  creationTimestamp: "2024-05-31T08:15:30Z"
  generation: 1
  labels: {app: web}
  managedFields:
  - apiVersion: networking.k8s.io/v1
    fieldsV1: {"f:spec": {}}
  name: web
  namespace: shop
  resourceVersion: "123"
  uid: 5f2c
spec:
  defaultBackend: {service: {name: all, port: {name: http}}}
  ingressClassName: portico
  rules:
  - host: shop.example.com
    http:
      paths:
      - path: /api
        pathType: Prefix
        backend: {service: {name: api, port: {number: 80}}}
      - pathType: ImplementationSpecific
        backend: {resource: {kind: Bucket, name: b}}
  tls:
  - hosts: [shop.example.com]
    secretName: shop-tls
status:
  loadBalancer: {}
)");
  const auto& ingress = only<Ingress>(decoded);
  EXPECT_EQ(ingress.meta.namespace_, "shop");
  EXPECT_EQ(ingress.meta.name, "web");
  EXPECT_EQ(ingress.meta.uid, "5f2c");
  EXPECT_EQ(ingress.meta.resource_version, "123");
  EXPECT_EQ(ingress.meta.created_unix_seconds, 1717143330);
  EXPECT_THAT(ingress.meta.annotations,
              ElementsAre(Pair("nginx.ingress.kubernetes.io/ssl-redirect", "false")));
  EXPECT_THAT(ingress.meta.labels, ElementsAre(Pair("app", "web")));
  EXPECT_EQ(*ingress.meta.origin.file, "web.yaml");
  EXPECT_EQ(ingress.meta.origin.line, 1);
  EXPECT_EQ(ingress.class_name, "portico");
  EXPECT_EQ(ingress.default_backend->service, "all");
  EXPECT_EQ(ingress.default_backend->port.name, "http");
  ASSERT_EQ(ingress.rules.size(), 1U);
  EXPECT_EQ(ingress.rules[0].host, "shop.example.com");
  ASSERT_EQ(ingress.rules[0].paths.size(), 2U);
  EXPECT_EQ(ingress.rules[0].paths[0].path, "/api");
  EXPECT_EQ(ingress.rules[0].paths[0].path_type, "Prefix");
  EXPECT_EQ(ingress.rules[0].paths[0].backend.port.number, 80);
  EXPECT_TRUE(ingress.rules[0].paths[1].backend.is_resource);
  EXPECT_THAT(ingress.tls.at(0).hosts, ElementsAre("shop.example.com"));
  EXPECT_EQ(ingress.tls.at(0).secret, "shop-tls");
}

TEST(Decode, Service) {
  const Decoded decoded = decode(R"(apiVersion: v1
kind: Service
metadata: {name: api}
spec:
  type: ExternalName
  externalName: db.example.com
  clusterIP: None
  sessionAffinity: ClientIP
  sessionAffinityConfig: {clientIP: {timeoutSeconds: 600}}
  selector: {app: api}
  ports:
  - {name: http, port: 80, targetPort: 8080, appProtocol: http}
  - {name: web, port: 81, targetPort: named, protocol: UDP, nodePort: 30080}
)");
  const auto& service = only<Service>(decoded);
  EXPECT_EQ(service.meta.namespace_, "default");
  EXPECT_EQ(service.type, "ExternalName");
  EXPECT_EQ(service.external_name, "db.example.com");
  EXPECT_EQ(service.cluster_ip, "None");
  EXPECT_EQ(service.session_affinity, "ClientIP");
  ASSERT_EQ(service.ports.size(), 2U);
  EXPECT_EQ(service.ports[0].protocol, "TCP");
  EXPECT_EQ(service.ports[0].target_port.number, 8080);
  EXPECT_EQ(service.ports[0].app_protocol, "http");
  EXPECT_EQ(service.ports[1].target_port.name, "named");
  EXPECT_EQ(service.ports[1].protocol, "UDP");
}

TEST(Decode, EndpointSlice) {
  const Decoded decoded = decode(R"(apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: api-x, namespace: shop, labels: {kubernetes.io/service-name: api}}
addressType: IPv4
endpoints:
- addresses: [10.0.0.1]
  conditions: {ready: true, serving: false, terminating: null}
  targetRef: {kind: Pod, namespace: shop, name: api-0}
  nodeName: n1
  zone: z1
  hints: {forZones: [{name: z1}, {name: z2}], forNodes: [{name: n1}]}
- addresses: ["10.0.0.2"]
ports:
- {name: "", port: 8080, protocol: TCP}
- {name: any}
)");
  const auto& slice = only<EndpointSlice>(decoded);
  EXPECT_EQ(slice.service, "api");
  EXPECT_EQ(slice.address_type, "IPv4");
  ASSERT_EQ(slice.endpoints.size(), 2U);
  EXPECT_THAT(slice.endpoints[0].addresses, ElementsAre("10.0.0.1"));
  EXPECT_EQ(slice.endpoints[0].conditions.ready, true);
  EXPECT_EQ(slice.endpoints[0].conditions.serving, false);
  EXPECT_EQ(slice.endpoints[0].conditions.terminating, std::nullopt);
  EXPECT_EQ(slice.endpoints[0].pod, "shop/api-0");
  EXPECT_THAT(slice.endpoints[0].for_zones, ElementsAre("z1", "z2"));
  EXPECT_THAT(slice.endpoints[0].for_nodes, ElementsAre("n1"));
  EXPECT_EQ(slice.endpoints[1].conditions.ready, std::nullopt);
  EXPECT_EQ(slice.ports.at(0).port, 8080);
  EXPECT_EQ(slice.ports.at(1).port, std::nullopt);
}

TEST(Decode, StringDataIsLaidOverData) {
  const Decoded decoded = decode(R"(apiVersion: v1
kind: Secret
metadata: {name: s}
stringData: {b: over}
type: kubernetes.io/tls
data:
  a: aGVsbG8=
  b: aGVsbG8=
  c: ""
)");
  const auto& secret = only<Secret>(decoded);
  EXPECT_EQ(secret.type, "kubernetes.io/tls");
  EXPECT_THAT(secret.data, ElementsAre(Pair("a", "hello"), Pair("b", "over"), Pair("c", "")));
}

TEST(Decode, IngressClassHasNoNamespace) {
  const Decoded decoded = decode(R"(apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata:
  name: portico
  annotations: {ingressclass.kubernetes.io/is-default-class: "true"}
spec: {controller: portico.dev/ingress-controller}
)");
  const auto& ingress_class = only<IngressClass>(decoded);
  EXPECT_EQ(ingress_class.meta.namespace_, "");
  EXPECT_EQ(ingress_class.controller, "portico.dev/ingress-controller");
  EXPECT_TRUE(ingress_class.is_default());
}

TEST(Decode, ConfigMap) {
  const Decoded decoded =
      decode("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {k: v}\n");
  EXPECT_THAT(only<ConfigMap>(decoded).data, ElementsAre(Pair("k", "v")));
}

TEST(Decode, ListsOfBothShapes) {
  const Decoded kubectl = decode(
      "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: "
      "a}}\n"
      "- {apiVersion: v1, kind: Service, metadata: {name: b}}\n");
  EXPECT_EQ(lines(kubectl.diagnostics), "");
  EXPECT_EQ(kubectl.objects.size(), 2U);
  EXPECT_EQ(metadata(*kubectl.objects[1]).origin.line, 5);
  const Decoded api = decode(
      "kind: ConfigMapList\napiVersion: v1\nmetadata: {resourceVersion: '1'}\nitems:\n"
      "- {metadata: {name: a}}\n- {metadata: {name: b}}\n");
  EXPECT_EQ(lines(api.diagnostics), "");
  EXPECT_EQ(api.objects.size(), 2U);
}

TEST(Decode, OtherKindsArePassedOver) {
  const Decoded decoded = decode(
      "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\n---\n"
      "apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: b}\n---\n"
      "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: c}\n");
  EXPECT_EQ(lines(decoded.diagnostics), "");
  EXPECT_THAT(decoded.objects, IsEmpty());
}

TEST(Decode, OneBadDocumentHarmsNoOther) {
  const Decoded decoded = decode(
      "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n---\n"
      "apiVersion: v1\nkind: Service\nmetadata: {name: b}\nspec: {ports: [{name: x}]}\n---\n"
      "apiVersion: v1\nkind: Service\n  metadata: [\n---\n"
      "apiVersion: v1\nkind: Service\nmetadata: {name: d}\n");
  ASSERT_EQ(decoded.objects.size(), 2U);
  EXPECT_EQ(metadata(*decoded.objects[0]).name, "a");
  EXPECT_EQ(metadata(*decoded.objects[1]).name, "d");
  EXPECT_THAT(decoded.broken, ElementsAre(ObjectKey{2, "default", "b"}));
  EXPECT_TRUE(decoded.has_unreadable_part);
  EXPECT_EQ(decoded.documents, 3);
}

struct Row {
  const char* name;
  const char* text;     // laid behind an Ingress head of 5 lines
  const char* finding;  // FILE:LINE: OBJECT: FIELD: MESSAGE, a part of it
  bool used;
};

constexpr const char* kHead = R"(apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  namespace: shop
)";

class IngressFindings : public ::testing::TestWithParam<Row> {};

TEST_P(IngressFindings, NameTheFieldTheValueAndTheLine) {
  const Decoded decoded = decode(std::string(kHead) + GetParam().text);
  EXPECT_THAT(lines(decoded.diagnostics), HasSubstr(GetParam().finding));
  EXPECT_EQ(decoded.objects.size(), GetParam().used ? 1U : 0U);
  EXPECT_EQ(decoded.broken.size(), GetParam().used ? 0U : 1U);
}

INSTANTIATE_TEST_SUITE_P(
    Table, IngressFindings,
    ::testing::Values(
        Row{"MisspeltField", "spec:\n  rules:\n  - hosts: a.example.com\n",
            "web.yaml:8: Ingress shop/web: spec.rules[0].hosts: unknown field \"hosts\": did you "
            "mean \"host\"?",
            true},
        Row{"FieldOfNoName", "spec:\n  quite: different\n",
            "web.yaml:7: Ingress shop/web: spec.quite: unknown field \"quite\"\n", true},
        Row{"MisspeltRoot", "sepc: {}\n",
            "web.yaml:6: Ingress shop/web: sepc: unknown field \"sepc\": did", true},
        Row{"NumberForText", "  annotations:\n    portico.dev/x: 8\n",
            "web.yaml:7: Ingress shop/web: metadata.annotations[portico.dev/x]: must be text, not "
            "the "
            "number 8",
            true},
        Row{"BooleanForText", "  annotations: {a: true}\n",
            "metadata.annotations.a: must be text, not the boolean true", true},
        Row{"TextForNumber", "spec: {defaultBackend: {service: {name: a, port: {number: '80'}}}}\n",
            "spec.defaultBackend.service.port.number: must be a number, not the text \"80\"", true},
        Row{"WordForNumber", "spec: {defaultBackend: {service: {name: a, port: {number: http}}}}\n",
            "spec.defaultBackend.service.port.number: must be a whole number, not \"http\"", false},
        Row{"MapForList", "spec:\n  rules: {host: a}\n",
            "web.yaml:7: Ingress shop/web: spec.rules: must be a list, not a map", false},
        Row{"ListForText", "spec: {ingressClassName: [a]}\n",
            "spec.ingressClassName: must be text, not a list", false},
        Row{"NoPathType",
            "spec:\n  rules:\n  - http:\n      paths:\n      - path: /\n        backend: {service: "
            "{name: a}}\n",
            "web.yaml:10: Ingress shop/web: spec.rules[0].http.paths[0].pathType: required field "
            "\"pathType\" is missing",
            false},
        Row{"NoServiceName", "spec: {defaultBackend: {service: {port: {number: 1}}}}\n",
            "spec.defaultBackend.service.name: required field \"name\" is missing", false},
        Row{"OldBackend", "spec: {defaultBackend: {serviceName: a, servicePort: 80}}\n",
            "spec.defaultBackend: has serviceName and servicePort", false},
        Row{"TwiceTheKey", "spec: {}\nspec: {}\n",
            "web.yaml:7: Ingress shop/web: : key \"spec\" is given twice", true},
        Row{"BadTime", "  creationTimestamp: yesterday\n",
            "metadata.creationTimestamp: is not a time", true}),
    [](const auto& info) { return std::string(info.param.name); });

struct DocumentRow {
  const char* name;
  const char* text;
  const char* finding;
};

class DocumentFindings : public ::testing::TestWithParam<DocumentRow> {};

TEST_P(DocumentFindings, AreTold) {
  const Decoded decoded = decode(GetParam().text);
  EXPECT_THAT(lines(decoded.diagnostics), HasSubstr(GetParam().finding));
  EXPECT_THAT(decoded.objects, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    Table, DocumentFindings,
    ::testing::Values(
        DocumentRow{
            "OldIngress", "apiVersion: extensions/v1beta1\nkind: Ingress\nmetadata: {name: a}\n",
            "web.yaml:1: Ingress default/a: apiVersion: \"extensions/v1beta1\" is not served"},
        DocumentRow{"BetaIngress",
                    "apiVersion: networking.k8s.io/v1beta1\nkind: Ingress\nmetadata: {name: a}\n",
                    "\"networking.k8s.io/v1beta1\" is not served"},
        DocumentRow{"NoVersion", "kind: Service\nmetadata: {name: a}\n",
                    "\"apiVersion\" is missing"},
        DocumentRow{"NoName", "apiVersion: v1\nkind: Service\nmetadata: {namespace: x}\n",
                    "web.yaml:3: Service x/: metadata.name: required field \"name\" is missing"},
        DocumentRow{"NoMetadata", "apiVersion: v1\nkind: Service\n",
                    "required field \"metadata\" is missing"},
        DocumentRow{"MisspeltKind",
                    "apiVersion: networking.k8s.io/v1\nkind: Ingres\nmetadata: {name: a}\n",
                    "web.yaml:2: Ingres default/a: kind: unknown kind \"Ingres\": did you mean "
                    "\"Ingress\"?"},
        DocumentRow{"NoKind", "replicas: 3\n", "names no kind"},
        DocumentRow{"NotAMap", "just words\n", "must be a map, not \"just words\""},
        DocumentRow{"BadBase64",
                    "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata:\n  tls.crt: '%%'\n",
                    "web.yaml:5: Secret default/s: data[tls.crt]: key \"tls.crt\" does not hold "
                    "valid base64"},
        DocumentRow{"Syntax", "a: 1\nb: [\n", "web.yaml:"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(Decode, ACertificateIsKeptWithoutItsArmour) {
  const auto secret_of = [](const std::string& chain, const std::string& key) {
    return decode(
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData:\n  tls.crt: "
        "\"" +
        chain + "\"\n  tls.key: \"" + key + "\"\n  ca.crt: x\n");
  };
  const std::string chain = "-----BEGIN CERTIFICATE-----\\nMAA=\\n-----END CERTIFICATE-----";
  const std::string key = "-----BEGIN PRIVATE KEY-----\\nMAA=\\n-----END PRIVATE KEY-----";
  const auto decoded = secret_of(chain, key);
  const auto& secret = only<Secret>(decoded);
  ASSERT_NE(secret.pair, nullptr);
  EXPECT_EQ(secret.pair->secret, "default/s");
  EXPECT_EQ(secret.pair->chain_pem, std::string("0\0", 2));
  EXPECT_EQ(secret.pair->key_pem, std::string("0\0", 2));
  EXPECT_THAT(secret.data, ElementsAre(Pair("ca.crt", "x")));
  EXPECT_EQ(secret, only<Secret>(secret_of(chain, key)));
  EXPECT_NE(secret, only<Secret>(secret_of(chain, chain)));
  const auto odd = secret_of(chain, "no PEM");
  EXPECT_EQ(only<Secret>(odd).pair, nullptr);
  EXPECT_EQ(only<Secret>(odd).data.size(), 3u);
  EXPECT_NE(secret, only<Secret>(odd));
}

TEST(Decode, SecretValuesAreNeverQuoted) {
  const Decoded decoded = decode(
      "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {a: hunter2!}\nstringData: {b: "
      "31337}\n");
  EXPECT_EQ(decoded.diagnostics.size(), 2U);
  EXPECT_THAT(lines(decoded.diagnostics), ::testing::Not(HasSubstr("hunter2")));
  EXPECT_THAT(lines(decoded.diagnostics), ::testing::Not(HasSubstr("31337")));
}

TEST(Decode, NamesAnObjectInFindingsAsEverybodyElseDoes) {
  const auto decoded = decode(
      "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web}\nspec: {colour: 1}\n"
      "---\napiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: mine, "
      "namespace: x}\nspec: {colour: 1}\n");
  EXPECT_THAT(lines(decoded.diagnostics), HasSubstr("Ingress default/web: spec.colour"));
  EXPECT_THAT(lines(decoded.diagnostics), HasSubstr("IngressClass mine: spec.colour"));
}

TEST(Decode, JsonGivesTheSameObjects) {
  Decoded out;
  Document scratch;
  decode_json(
      R"({"kind":"List","apiVersion":"v1","items":[{"apiVersion":"v1","kind":"Service",
          "metadata":{"name":"a"},"spec":{"ports":[{"port":80,"targetPort":"http"}]}}]})",
      std::make_shared<const std::string>("a.json"), scratch, out);
  EXPECT_EQ(lines(out.diagnostics), "");
  ASSERT_EQ(out.objects.size(), 1U);
  EXPECT_EQ(std::get<Service>(*out.objects[0]).ports.at(0).target_port.name, "http");
}

}  // namespace
}  // namespace portico::kube
