#include "controller/status/status_controller.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/status/json.h"
#include "controller/status/testing/fake_api.h"
#include "controller/translate/testing/manifests.h"

namespace portico::status {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr const char* kLease =
    "/apis/coordination.k8s.io/v1/namespaces/portico/leases/portico-leader";

std::string path_of(const std::string& name) {
  return "/apis/networking.k8s.io/v1/namespaces/default/ingresses/" + name;
}

Options options(const std::string& identity = "a") {
  Options options;
  options.publish_status_addresses = {"192.0.2.1"};
  options.namespace_ = "portico";
  options.identity = identity;
  return options;
}

// One replica: a translator, fed by the API's objects as a watch would, and its status.
class Replica {
 public:
  Replica(net::Loop& loop, testing::FakeApi& api, const Options& options)
      : api_(api), status(loop, api, world, options, "portico.dev/ingress-controller") {}

  // What the API has under this name, as a watch tells it; without a uid, so without Events.
  void see(const std::string& name, const std::string& class_name = "portico") {
    kube::Ingress ingress;
    ingress.meta.namespace_ = "default";
    ingress.meta.name = name;
    ingress.class_name = class_name;
    const auto now = parse_json(api_.object(path_of(name)));
    for (const auto& entry : items(member(now, "status", "loadBalancer", "ingress"))) {
      ingress.load_balancer.push_back(
          {.ip = text(member(entry, "ip")), .hostname = text(member(entry, "hostname"))});
    }
    kube::Object object = std::move(ingress);
    tell({kube::key_of(object), std::make_shared<const kube::Object>(std::move(object))});
  }

  void tell(const kube::Change& change) {
    const auto outcome = world.apply({&change, 1});
    status.on_change({&change, 1}, outcome.raised);
  }

 private:
  testing::FakeApi& api_;

 public:
  translate::Translator world{translate::Options{}};
  StatusController status;
};

class StatusControllerTest : public ::testing::Test {
 protected:
  void create(const std::string& name, const std::string& ip = "") {
    const auto list = ip.empty() ? "" : fmt::format(R"("ingress": [{{"ip": "{}"}}])", ip);
    api.put(path_of(name), fmt::format(R"({{"kind": "Ingress", "metadata": {{"name": "{}"}},
                                           "status": {{"loadBalancer": {{{}}}}}}})",
                                       name, list));
  }

  Replica& start(const Options& options = status::options()) {
    replica.emplace(loop, api, options);
    return *replica;
  }

  // Leads, with nothing under way.
  void settle() {
    EXPECT_TRUE(wait([&] { return replica->status.leads() && api.in_flight() == 0; }));
  }

  std::string ips(const std::string& name) {
    std::string ips;
    const auto object = parse_json(api.object(path_of(name)));
    for (const auto& entry : items(member(object, "status", "loadBalancer", "ingress"))) {
      ips += text(member(entry, "ip")) + " ";
    }
    return ips;
  }

  bool wait(std::move_only_function<bool()> done) { return loop.run_until(std::move(done), 60s); }
  bool stays(std::move_only_function<bool()> ended) {
    return !loop.run_until(std::move(ended), 30ms);
  }

  void stop() {
    bool stopped = false;
    replica->status.stop([&] { stopped = true; });
    EXPECT_TRUE(wait([&] { return stopped; }));
  }

  net::Loop loop;
  testing::FakeApi api{loop};
  std::optional<Replica> replica;
};

TEST_F(StatusControllerTest, WritesTheAddressesOfItsIngresses) {
  create("web");
  auto& replica = start();
  replica.see("web");
  replica.status.start();
  EXPECT_TRUE(wait([&] { return ips("web") == "192.0.2.1 "; }));
  const auto& patch = api.requests.back();
  EXPECT_EQ(patch.method, "PATCH");
  EXPECT_EQ(patch.target, path_of("web") + "/status");
  EXPECT_EQ(patch.content_type, "application/merge-patch+json");
  EXPECT_EQ(patch.body, R"({"status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.1"}]}}})");
}

TEST_F(StatusControllerTest, WritesOnlyWhatDiffers) {
  create("web", "192.0.2.1");
  auto& replica = start();
  replica.see("web");
  replica.status.start();
  settle();
  EXPECT_TRUE(stays([&] { return !api.lines("PATCH").empty(); }));
}

TEST_F(StatusControllerTest, LeavesOtherControllersIngressesAlone) {
  create("web", "198.51.100.7");
  auto& replica = start();
  replica.see("web", "nginx");
  replica.status.start();
  settle();
  EXPECT_TRUE(stays([&] { return !api.lines("PATCH").empty(); }));
}

TEST_F(StatusControllerTest, WritesWhatComesLater) {
  auto& replica = start();
  replica.status.start();
  settle();
  create("late");
  replica.see("late");
  EXPECT_TRUE(wait([&] { return ips("late") == "192.0.2.1 "; }));
}

TEST_F(StatusControllerTest, EmptiesWhatIsNotItsOwnAnyMore) {
  create("web", "192.0.2.1");
  auto& replica = start();
  replica.see("web");
  replica.status.start();
  settle();
  replica.see("web", "nginx");
  EXPECT_TRUE(wait([&] { return ips("web").empty(); }));
}

TEST_F(StatusControllerTest, LeavesWhatAnotherControllerHasWrittenByThen) {
  create("web", "192.0.2.1");
  auto& replica = start();
  replica.see("web");
  replica.status.start();
  settle();
  api.put(path_of("web"), R"({"status": {"loadBalancer": {"ingress": [{"ip": "198.51.100.7"}]}}})");
  kube::Ingress ingress;  // as it was before
  ingress.meta.namespace_ = "default";
  ingress.meta.name = "web";
  ingress.class_name = "nginx";
  ingress.load_balancer = {{.ip = "192.0.2.1"}};
  kube::Object object = std::move(ingress);
  replica.tell({kube::key_of(object), std::make_shared<const kube::Object>(std::move(object))});
  EXPECT_TRUE(wait([&] { return api.lines("PATCH").size() == 1 && api.in_flight() == 0; }));
  EXPECT_EQ(ips("web"), "198.51.100.7 ");
}

TEST_F(StatusControllerTest, BoundsWhatIsInFlight) {
  auto& replica = start();
  for (int i = 0; i < 60; ++i) {
    create(std::to_string(i));
    replica.see(std::to_string(i));
  }
  replica.status.start();
  EXPECT_TRUE(wait([&] { return ips("59") == "192.0.2.1 " && api.in_flight() == 0; }));
  EXPECT_EQ(api.most_in_flight(), 16U);
  EXPECT_THAT(api.lines("PATCH"), SizeIs(60));
}

TEST_F(StatusControllerTest, DoesNotFightHotWithAnotherWriter) {
  create("web");
  auto& replica = start();
  replica.see("web");
  replica.status.start();
  settle();
  for (int i = 0; i < 20; ++i) {
    create("web", "198.51.100.7");
    replica.see("web");
    loop.run_until([] { return false; }, 2ms);
  }
  EXPECT_THAT(api.lines("PATCH"), SizeIs(1));
}

TEST_F(StatusControllerTest, OnlyTheLeaderWrites) {
  create("web");
  auto& leader = start();
  leader.status.start();
  settle();
  Replica other(loop, api, options("b"));
  other.see("web");
  other.status.start();
  EXPECT_TRUE(stays([&] { return other.status.leads() || !api.lines("PATCH").empty(); }));
}

TEST_F(StatusControllerTest, WithoutElectionEachReplicaWrites) {
  create("web");
  auto alone = options();
  alone.election.disabled = true;
  auto& replica = start(alone);
  replica.see("web");
  replica.status.start();
  EXPECT_TRUE(wait([&] { return ips("web") == "192.0.2.1 "; }));
  EXPECT_FALSE(api.has(kLease));
}

TEST_F(StatusControllerTest, StopsWritingAtOnceWhenTheLeaseIsTaken) {
  auto fast = options();
  fast.election.ttl = 600ms;
  auto& replica = start(fast);
  replica.status.start();
  settle();
  api.put(kLease,
          R"({"kind": "Lease", "spec": {"holderIdentity": "b", "leaseDurationSeconds": 60}})");
  EXPECT_TRUE(wait([&] { return !replica.status.leads(); }));
  create("web");
  replica.see("web");
  EXPECT_TRUE(stays([&] { return !api.lines("PATCH").empty(); }));
}

TEST_F(StatusControllerTest, ALeaderThatIsCutOffStops) {
  auto fast = options();
  fast.election.ttl = 600ms;
  auto& replica = start(fast);
  replica.status.start();
  settle();
  api.before = [](const kube::ApiRequest&) { return testing::no_answer(); };
  EXPECT_TRUE(wait([&] { return !replica.status.leads(); }));
}

TEST_F(StatusControllerTest, TakesAddressesBackAndReleasesTheLeaseWhenItStops) {
  create("web", "192.0.2.1");
  create("foreign", "198.51.100.7");
  auto& replica = start();
  replica.see("web");
  replica.see("foreign", "nginx");
  replica.status.start();
  settle();
  stop();
  EXPECT_EQ(ips("web"), "");
  EXPECT_EQ(ips("foreign"), "198.51.100.7 ");
  EXPECT_EQ(text(member(parse_json(api.object(kLease)), "spec", "holderIdentity")), "");
}

TEST_F(StatusControllerTest, LeavesAddressesWhereAnotherReplicaGoesOn) {
  create("web", "192.0.2.1");
  auto in_pod = options();
  in_pod.pod = "a";
  const std::string pods = "/api/v1/namespaces/portico/pods";
  api.put(pods + "/a", R"({"metadata": {"name": "a", "labels": {"app": "portico"}}})");
  api.put(pods, R"({"items": [{"metadata": {"name": "a"}}, {"metadata": {"name": "b"}}]})");
  auto& replica = start(in_pod);
  replica.see("web");
  replica.status.start();
  settle();
  stop();
  EXPECT_EQ(ips("web"), "192.0.2.1 ");
  EXPECT_EQ(text(member(parse_json(api.object(kLease)), "spec", "holderIdentity")), "");
}

TEST_F(StatusControllerTest, LeavesAddressesWhereTheFlagSaysSo) {
  create("web", "192.0.2.1");
  auto keeping = options();
  keeping.update_on_shutdown = false;
  auto& replica = start(keeping);
  replica.see("web");
  replica.status.start();
  settle();
  stop();
  EXPECT_EQ(ips("web"), "192.0.2.1 ");
}

TEST_F(StatusControllerTest, StopsAtOnceWhereItDoesNotLead) {
  create("web", "192.0.2.1");
  auto& replica = start();
  replica.see("web");
  stop();
  EXPECT_EQ(ips("web"), "192.0.2.1 ");
  EXPECT_THAT(api.requests, IsEmpty());
}

TEST_F(StatusControllerTest, AnotherLeadsSoonAfterTheLeaderStopped) {
  auto fast = options();
  fast.election.ttl = 3s;
  auto& leader = start(fast);
  leader.status.start();
  settle();
  auto also_fast = options("b");
  also_fast.election.ttl = 3s;
  Replica other(loop, api, also_fast);
  other.status.start();
  EXPECT_TRUE(stays([&] { return other.status.leads(); }));
  stop();
  EXPECT_TRUE(wait([&] { return other.status.leads(); }));
}

TEST_F(StatusControllerTest, WritesNoStatusWhereTheFlagSaysSo) {
  create("web");
  auto silent = options();
  silent.update_status = false;
  auto& replica = start(silent);
  replica.see("web");
  replica.status.start();
  settle();
  EXPECT_TRUE(stays([&] { return !api.lines("PATCH").empty(); }));
}

// In namespace `default`, with a host that is none.
kube::Change broken_ingress() {
  auto change =
      translate::testing::changes(translate::testing::ingress_yaml("web", "a b", "/", "nobody"))
          .at(0);
  auto ingress = std::get<kube::Ingress>(*change.object);
  ingress.meta.uid = "u-1";
  ingress.class_name = "portico";
  change.object = std::make_shared<const kube::Object>(std::move(ingress));
  return change;
}

TEST_F(StatusControllerTest, WritesEventsOnlyWhereItMay) {
  auto scoped = options();
  scoped.watch_namespace = "shop";
  auto& replica = start(scoped);
  replica.status.start();
  settle();
  replica.tell(broken_ingress());
  EXPECT_TRUE(stays([&] { return api.lines("POST").size() > 1; }));
}

TEST_F(StatusControllerTest, ALeaseWhoseNamespaceIsMissingIsNotLedAndNotAskedForHot) {
  api.before = [](const kube::ApiRequest&) { return testing::refusal(404, "no namespace"); };
  auto& replica = start();
  replica.status.start();
  EXPECT_TRUE(wait([&] { return api.requests.size() == 2 && api.in_flight() == 0; }));
  EXPECT_TRUE(stays([&] { return api.requests.size() > 2; }));
  EXPECT_FALSE(replica.status.leads());
}

// A proxy on the way that asks for an hour is not to take the leader away for an hour.
TEST_F(StatusControllerTest, AskedForMuchPatienceItIsPatientForALittle) {
  auto fast = options();
  fast.election.ttl = 600ms;
  auto& replica = start(fast);
  api.before = [](const kube::ApiRequest&) -> testing::FakeApi::Result {
    return kube::ApiResponse{.status = 429, .retry_after = 3600s, .body = ""};
  };
  replica.status.start();
  EXPECT_TRUE(wait([&] { return api.requests.size() == 1 && api.in_flight() == 0; }));
  api.before = nullptr;
  EXPECT_TRUE(wait([&] { return replica.status.leads(); }));
}

TEST_F(StatusControllerTest, TellsFindingsOfItsIngressesAsEvents) {
  auto& replica = start();
  replica.tell(broken_ingress());
  replica.status.start();
  EXPECT_TRUE(wait([&] { return api.lines("POST").size() > 1; }));
  EXPECT_EQ(api.lines("POST")[1], "POST /apis/events.k8s.io/v1/namespaces/default/events");
  EXPECT_EQ(text(member(parse_json(api.requests.back().body), "regarding", "name")), "web");
}

// A backend's slice, whose weight is none.
std::vector<kube::Change> badly_weighed() {
  auto changes = translate::testing::changes(
      translate::testing::service_yaml("web") + translate::testing::slice_yaml("web", "10.0.0.1") +
      translate::testing::ingress_yaml("web", "web.example.com", "/", "web"));
  for (auto& change : changes) {
    if (change.key.kind == kube::kind_index<kube::EndpointSlice>()) {
      auto slice = std::get<kube::EndpointSlice>(*change.object);
      slice.meta.uid = "u-2";
      slice.meta.annotations["portico.dev/weight"] = "heavy";
      change.object = std::make_shared<const kube::Object>(std::move(slice));
    }
  }
  return changes;
}

TEST_F(StatusControllerTest, TellsFindingsOfSlicesAsEvents) {
  auto& replica = start();
  for (const auto& change : badly_weighed()) {
    replica.tell(change);
  }
  replica.status.start();
  EXPECT_TRUE(wait([&] { return api.lines("POST").size() > 1; }));
  const auto event = parse_json(api.requests.back().body);
  EXPECT_EQ(text(member(event, "regarding", "apiVersion")), "discovery.k8s.io/v1");
  EXPECT_EQ(text(member(event, "regarding", "kind")), "EndpointSlice");
  EXPECT_EQ(text(member(event, "regarding", "name")), "web-1");
  EXPECT_EQ(text(member(event, "regarding", "uid")), "u-2");
}

}  // namespace
}  // namespace portico::status
