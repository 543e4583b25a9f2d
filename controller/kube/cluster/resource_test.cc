#include "controller/kube/cluster/resource.h"

#include <gtest/gtest.h>

namespace portico::kube {
namespace {

using namespace std::chrono_literals;

TEST(ResourceQuery, AsksByPathAndParameters) {
  const ResourceQuery all{.kind = kind_index<Ingress>()};
  EXPECT_EQ(all.list_target(500, ""), "/apis/networking.k8s.io/v1/ingresses?limit=500");
  EXPECT_EQ(all.list_target(0, ""), "/apis/networking.k8s.io/v1/ingresses");
  EXPECT_EQ(all.list_target(500, "a+b/=="),
            "/apis/networking.k8s.io/v1/ingresses?limit=500&continue=a%2Bb%2F%3D%3D");
  const ResourceQuery secrets{.kind = kind_index<Secret>(),
                              .namespace_ = "shop",
                              .field_selector = "type=kubernetes.io/tls"};
  EXPECT_EQ(secrets.list_target(0, ""),
            "/api/v1/namespaces/shop/secrets?fieldSelector=type%3Dkubernetes.io%2Ftls");
  EXPECT_EQ(secrets.watch_target("17", 300s),
            "/api/v1/namespaces/shop/secrets?fieldSelector=type%3Dkubernetes.io%2Ftls&watch=1"
            "&allowWatchBookmarks=true&resourceVersion=17&timeoutSeconds=300");
  EXPECT_EQ(secrets.to_string(), "secrets in namespace shop");
}

TEST(ResourceQuery, KnowsEveryKind) {
  EXPECT_EQ(resource_kind(kind_index<Ingress>()).plural, "ingresses");
  EXPECT_EQ(resource_kind(kind_index<IngressClass>()).plural, "ingressclasses");
  EXPECT_EQ(resource_kind(kind_index<Service>()).plural, "services");
  EXPECT_EQ(resource_kind(kind_index<EndpointSlice>()).plural, "endpointslices");
  EXPECT_EQ(resource_kind(kind_index<Secret>()).plural, "secrets");
  EXPECT_EQ(resource_kind(kind_index<ConfigMap>()).plural, "configmaps");
  EXPECT_EQ(resource_kind(kind_index<Namespace>()).plural, "namespaces");
}

}  // namespace
}  // namespace portico::kube
