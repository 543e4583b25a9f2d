#include "controller/status/address_finder.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/status/testing/fake_api.h"

namespace portico::status {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::IsSupersetOf;

constexpr const char* kPods = "/api/v1/namespaces/portico/pods";

std::string pod(const std::string& name, const std::string& node, const std::string& more = "") {
  return fmt::format(
      R"({{"metadata": {{"name": "{}"{}, "labels": {{"app.kubernetes.io/name": "portico",
                                                   "app.kubernetes.io/version": "1.0", "helm.sh/chart": "portico-1.0",
                                                   "pod-template-hash": "5f"}}}},
          "spec": {{"nodeName": "{}"}},
          "status": {{"phase": "Running", "conditions": [{{"type": "Ready", "status": "True"}}]}}}})",
      name, more, node);
}

class AddressFinderTest : public ::testing::Test {
 protected:
  AddressFinderTest() {
    options.namespace_ = "portico";
    options.pod = "portico-a";
    api.put(fmt::format("{}/portico-a", kPods), pod("portico-a", "n1"));
    api.put("/api/v1/nodes/n1", R"({"status": {"addresses": [
        {"type": "Hostname", "address": "n1"}, {"type": "InternalIP", "address": "10.0.0.1"},
        {"type": "ExternalIP", "address": "203.0.113.1"}]}})");
    api.put("/api/v1/nodes/n2", R"({"status": {"addresses": [
        {"type": "InternalIP", "address": "10.0.0.2"}]}})");
  }

  void list(const std::string& pods) {
    api.put(kPods, fmt::format(R"({{"kind": "PodList", "items": [{}]}})", pods));
  }

  std::string find() {
    AddressFinder finder(api, log, options, state);
    std::optional<std::string> told;
    finder.find(
        [&](std::optional<Addresses> found) { told = found ? to_string(*found) : "not known"; });
    loop.run_until([&] { return told.has_value(); }, 60s);
    return told.value_or("never");
  }

  bool finds_other_replica() {
    AddressFinder finder(api, log, options, state);
    std::optional<bool> told;
    finder.find_other_replica([&](bool exists) { told = exists; });
    loop.run_until([&] { return told.has_value(); }, 60s);
    return told.value();
  }

  void publish(kube::Service service) {
    options.publish_service = "edge/lb";
    service.meta.namespace_ = "edge";
    service.meta.name = "lb";
    kube::Object object = std::move(service);
    const auto key = kube::key_of(object);
    const kube::Change change{key, std::make_shared<const kube::Object>(std::move(object))};
    state.apply({&change, 1});
  }

  net::Loop loop;
  testing::FakeApi api{loop};
  CallLog log;
  Options options;
  translate::ClusterState state;
};

TEST_F(AddressFinderTest, TakesTheFlagsAddressesAsTheyAre) {
  options.publish_status_addresses = {"lb.example.com", "192.0.2.1"};
  EXPECT_EQ(find(), "192.0.2.1, lb.example.com");
  EXPECT_TRUE(api.requests.empty());
}

TEST_F(AddressFinderTest, TakesTheServicesAddresses) {
  publish({.type = "LoadBalancer", .load_balancer = {{.ip = "192.0.2.9"}}});
  EXPECT_EQ(find(), "192.0.2.9");
  EXPECT_TRUE(api.requests.empty());
}

TEST_F(AddressFinderTest, APendingLoadBalancerHasNone) {
  publish({.type = "LoadBalancer"});
  EXPECT_EQ(find(), "none");
}

TEST_F(AddressFinderTest, WithoutTheServiceNothingIsKnown) {
  options.publish_service = "edge/lb";
  EXPECT_EQ(find(), "not known");
}

TEST_F(AddressFinderTest, TakesTheNodesOfItsPods) {
  list(pod("portico-a", "n1") + "," + pod("portico-b", "n2") + "," + pod("portico-c", "n1"));
  EXPECT_EQ(find(), "10.0.0.2, 203.0.113.1");
  EXPECT_THAT(api.lines(),
              Contains("GET /api/v1/namespaces/portico/pods?labelSelector=app.kubernetes.io%2Fname"
                       "%3Dportico"));
}

TEST_F(AddressFinderTest, TakesInternalAddressesWhereTheFlagSaysSo) {
  options.report_node_internal_ip = true;
  list(pod("portico-a", "n1") + "," + pod("portico-b", "n2"));
  EXPECT_EQ(find(), "10.0.0.1, 10.0.0.2");
}

TEST_F(AddressFinderTest, LeavesOutPodsThatAreNotReady) {
  list(pod("portico-a", "n1") + R"(, {"metadata": {"name": "b"}, "spec": {"nodeName": "n2"},
                                      "status": {"phase": "Pending"}})");
  EXPECT_EQ(find(), "203.0.113.1");
}

TEST_F(AddressFinderTest, BeforeAPodIsReadyNothingIsKnown) {
  list("");
  EXPECT_EQ(find(), "not known");
}

TEST_F(AddressFinderTest, ANodeThatIsGoneHidesNoOther) {
  list(pod("portico-a", "n1") + "," + pod("portico-b", "gone"));
  EXPECT_EQ(find(), "203.0.113.1");
}

TEST_F(AddressFinderTest, WhatMayNotBeAskedIsNotKnown) {
  list(pod("portico-a", "n1"));
  api.before = [](const kube::ApiRequest& request) -> std::optional<testing::FakeApi::Result> {
    if (request.target.starts_with("/api/v1/nodes")) {
      return testing::refusal(403, "nodes is forbidden");
    }
    return std::nullopt;
  };
  EXPECT_EQ(find(), "not known");
}

TEST_F(AddressFinderTest, OutsideOfAPodNothingIsKnown) {
  options.pod = "";
  EXPECT_EQ(find(), "not known");
  EXPECT_FALSE(finds_other_replica());
}

TEST_F(AddressFinderTest, AloneIsNoOtherReplica) {
  list(pod("portico-a", "n1"));
  EXPECT_FALSE(finds_other_replica());
}

TEST_F(AddressFinderTest, APodOfItsKindIsAnotherReplica) {
  list(pod("portico-a", "n1") + "," + pod("portico-b", "n1"));
  EXPECT_TRUE(finds_other_replica());
}

TEST_F(AddressFinderTest, APodThatEndsIsNoOtherReplica) {
  list(pod("portico-a", "n1") + "," +
       pod("portico-b", "n1", R"(, "deletionTimestamp": "2026-11-23T04:00:00Z")"));
  EXPECT_FALSE(finds_other_replica());
}

TEST_F(AddressFinderTest, APodThatTheClusterDoesNotKnowIsAlone) {
  options.pod = "elsewhere";
  EXPECT_FALSE(finds_other_replica());
}

TEST_F(AddressFinderTest, FindsOthersOnceItsOwnPodIsGone) {
  AddressFinder finder(api, log, options, state);
  finder.learn_own_pod();
  EXPECT_TRUE(loop.run_until([&] { return api.in_flight() == 0; }, 60s));
  list(pod("portico-b", "n1"));
  api.before = [](const kube::ApiRequest& request) -> std::optional<testing::FakeApi::Result> {
    return request.target.ends_with("/portico-a") ? std::optional(testing::refusal(404, "gone"))
                                                  : std::nullopt;
  };
  std::optional<bool> told;
  finder.find_other_replica([&](bool exists) { told = exists; });
  EXPECT_TRUE(loop.run_until([&] { return told.has_value(); }, 60s));
  EXPECT_EQ(told, true);
}

TEST_F(AddressFinderTest, AServerThatDoesNotSayCountsAsAnotherReplica) {
  api.before = [](const kube::ApiRequest&) { return testing::no_answer(); };
  EXPECT_TRUE(finds_other_replica());
}

}  // namespace
}  // namespace portico::status
