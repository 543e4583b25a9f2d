#include "controller/translate/nearness.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "controller/translate/testing/manifests.h"

namespace portico::translate {
namespace {

using testing::World;

const Location kHere{.zone = "z1", .node = "n1"};

// Endpoints 10.0.0.1, 10.0.0.2 and so on, with these hints; "" none.
std::string manifests(const std::vector<std::string>& hints, const std::string& conditions = "{}") {
  std::string text = testing::service_yaml("web") +
                     testing::ingress_yaml("web", "a.test", "/", "web") +
                     "---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n"
                     "metadata: {name: web, labels: {kubernetes.io/service-name: web}}\n"
                     "addressType: IPv4\nports: [{name: http, port: 8080}]\nendpoints:\n";
  for (std::size_t i = 0; i < hints.size(); ++i) {
    text += "- {addresses: [10.0.0." + std::to_string(i + 1) + "], conditions: " + conditions +
            (hints[i].empty() ? "" : ", hints: " + hints[i]) + "}\n";
  }
  return text;
}

std::string endpoints(const std::vector<std::string>& hints, const Location& here = kHere,
                      const std::string& conditions = "{}") {
  World world({.location = here});
  world.apply(manifests(hints, conditions));
  return world.backend("default/web:80");
}

constexpr const char* kAll = "10.0.0.1:8080 10.0.0.2:8080 10.0.0.3:8080";
const std::string kZ1 = "{forZones: [{name: z1}]}";
const std::string kZ2 = "{forZones: [{name: z2}]}";
const std::string kBoth = "{forZones: [{name: z1}, {name: z2}]}";

TEST(Nearness, EndpointsForThisZoneComeFirst) {
  EXPECT_EQ(endpoints({kZ1, kZ2, kBoth}), "10.0.0.1:8080 10.0.0.3:8080 10.0.0.2:8080(far)");
}

TEST(Nearness, AnAddressThatIsNearAndFarIsNear) {
  const auto text = manifests({kZ2, kZ1}) +
                    "---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n"
                    "metadata: {name: more, labels: {kubernetes.io/service-name: web}}\n"
                    "addressType: IPv4\nports: [{name: http, port: 8080}]\n"
                    "endpoints: [{addresses: [10.0.0.1], hints: " +
                    kZ1 + "}]\n";
  World world({.location = kHere});
  world.apply(text);
  EXPECT_EQ(world.backend("default/web:80"), "10.0.0.1:8080 10.0.0.2:8080");
}

TEST(Nearness, AllServeWhereOneHasNoHint) {
  EXPECT_EQ(endpoints({kZ1, kZ2, ""}), kAll);
}

TEST(Nearness, AllServeWhereNoneIsMeantForThisZone) {
  EXPECT_EQ(endpoints({kZ2, kZ2, kZ2}), kAll);
}

TEST(Nearness, AllServeWhereThisPlaceIsNotKnown) {
  EXPECT_EQ(endpoints({kZ1, kZ2, kZ2}, {}), kAll);
}

TEST(Nearness, TheNodeComesBeforeTheZone) {
  const std::string here = "{forZones: [{name: z1}], forNodes: [{name: n1}]}";
  const std::string neighbour = "{forZones: [{name: z1}], forNodes: [{name: n2}]}";
  EXPECT_EQ(endpoints({here, neighbour, kZ2}), "10.0.0.1:8080 10.0.0.2:8080 10.0.0.3:8080(far)");
  EXPECT_EQ(endpoints({here, neighbour, neighbour}),
            "10.0.0.1:8080 10.0.0.2:8080(far) 10.0.0.3:8080(far)");
  EXPECT_EQ(endpoints({neighbour, neighbour, "{forZones: [{name: z2}], forNodes: [{name: n2}]}"}),
            "10.0.0.1:8080 10.0.0.2:8080 10.0.0.3:8080(far)");
}

TEST(Nearness, HintsDoNotCountWhereNoneIsReady) {
  EXPECT_EQ(endpoints({kZ1, kZ2, kZ2}, kHere, "{ready: false, serving: true, terminating: true}"),
            kAll);
}

}  // namespace
}  // namespace portico::translate
