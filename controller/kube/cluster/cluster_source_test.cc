#include "controller/kube/cluster/cluster_source.h"

#include <chrono>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/kube/cluster/testing/fake_api.h"

namespace portico::kube {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::StartsWith;

template <class Kind>
ObjectKey key(const std::string& namespace_, const std::string& name) {
  return {kind_index<Kind>(), namespace_, name};
}

class ClusterSourceTest : public ::testing::Test {
 protected:
  void start(const ClusterScope& scope = {}) {
    source_ = std::make_unique<ClusterSource>(loop_, api_, scope, [this](const Batch& batch) {
      ++batches_;
      for (const Change& change : batch.changes) {
        const auto name = routing::ObjectRef(ref_of(change.key)).to_string();
        if (change.object == nullptr) {
          told_.erase(name);
        } else {
          told_.insert(name);
        }
      }
      if (batch.diagnostics_changed) {
        findings_.clear();
        for (const auto& found : batch.diagnostics) {
          findings_.push_back(found.message);
        }
      }
      changes_in_last_ = batch.changes.size();
      if (!batch.synced && !batch.changes.empty()) {
        source_->use_secrets(wanted_);
      }
      synced_ = synced_ || batch.synced;
    });
  }
  bool until(std::move_only_function<bool()> done) { return loop_.run_until(std::move(done), 60s); }
  void start_and_sync(const ClusterScope& scope = {}) {
    start(scope);
    ASSERT_TRUE(until([this] { return synced_; }));
  }
  // Until what was pushed has been told.
  void push() {
    const int before = batches_;
    api_.push();
    ASSERT_TRUE(until([&] { return batches_ > before; }));
  }

  testing::ModelServer model_;
  net::Loop loop_;
  testing::FakeApi api_{loop_, model_};
  std::unique_ptr<ClusterSource> source_;
  std::vector<SecretUse> wanted_;
  std::set<std::string> told_;
  std::vector<std::string> findings_;
  int batches_ = 0;
  std::size_t changes_in_last_ = 0;
  bool synced_ = false;
};

TEST_F(ClusterSourceTest, TellsEverythingAndThenEachChange) {
  model_.put(key<Ingress>("shop", "web"), "");
  model_.put(key<Service>("shop", "web"), "");
  model_.put(key<EndpointSlice>("shop", "web-1"), R"("addressType":"IPv4")");
  model_.put(key<IngressClass>("", "portico"), "");
  model_.put(key<Secret>("shop", "tls"), R"("type":"kubernetes.io/tls")");
  model_.put(key<Secret>("shop", "other"), R"("type":"Opaque")");
  model_.put(key<ConfigMap>("shop", "settings"), "");
  start_and_sync();
  EXPECT_THAT(told_, ElementsAre("EndpointSlice shop/web-1", "Ingress shop/web",
                                 "IngressClass portico", "Secret shop/tls", "Service shop/web"));
  ASSERT_TRUE(until([this] { return api_.open_streams() == 5; }));
  model_.put(key<Ingress>("shop", "api"), "");
  model_.remove(key<Ingress>("shop", "web"));
  model_.put(key<Service>("shop", "api"), "");
  push();
  EXPECT_EQ(changes_in_last_, 3u) << "what comes together is told together";
  EXPECT_THAT(told_, Contains("Service shop/api"));
  EXPECT_THAT(told_, Not(Contains("Ingress shop/web")));
}

TEST_F(ClusterSourceTest, AnEmptyClusterIsSyncedToo) {
  start_and_sync();
  EXPECT_THAT(told_, IsEmpty());
}

TEST_F(ClusterSourceTest, ReadsOneNamespaceAndTheObjectsNamedElsewhere) {
  model_.put(key<Ingress>("shop", "web"), "");
  model_.put(key<Ingress>("other", "web"), "");
  model_.put(key<Service>("infra", "portico"), "");
  model_.put(key<Service>("infra", "errors"), "");
  model_.put(key<Service>("infra", "third"), "");
  model_.put(key<ConfigMap>("infra", "settings"), "");
  model_.put(key<EndpointSlice>("infra", "errors-1"), R"("addressType":"IPv4")",
             R"("kubernetes.io/service-name":"errors")");
  start_and_sync({.namespace_ = "shop",
                  .config_map = "infra/settings",
                  .publish_service = "infra/portico",
                  .default_backend_service = "infra/errors:80"});
  EXPECT_THAT(told_,
              ElementsAre("ConfigMap infra/settings", "EndpointSlice infra/errors-1",
                          "Ingress shop/web", "Service infra/errors", "Service infra/portico"));
}

TEST_F(ClusterSourceTest, NamespacesTakeTheirObjectsAlong) {
  model_.put(key<Namespace>("", "shop"), "", R"("team":"web")");
  model_.put(key<Namespace>("", "lab"), "");
  model_.put(key<Ingress>("shop", "web"), "");
  model_.put(key<Ingress>("lab", "web"), "");
  start_and_sync({.namespaces = *LabelSelector::parse("team=web")});
  EXPECT_THAT(told_, ElementsAre("Ingress shop/web"));
  ASSERT_TRUE(until([this] { return api_.open_streams() == 6; }));
  model_.put(key<Namespace>("", "lab"), "", R"("team":"web")");
  push();
  EXPECT_THAT(told_, ElementsAre("Ingress lab/web", "Ingress shop/web"));
  model_.put(key<Namespace>("", "shop"), "", R"("team":"db")");
  push();
  EXPECT_THAT(told_, ElementsAre("Ingress lab/web"));
  model_.put(key<Ingress>("shop", "unseen"), "");
  model_.put(key<Ingress>("lab", "seen"), "");
  push();
  EXPECT_THAT(told_, ElementsAre("Ingress lab/seen", "Ingress lab/web"));
  model_.remove(key<Namespace>("", "lab"));
  push();
  EXPECT_THAT(told_, IsEmpty());
}

TEST_F(ClusterSourceTest, ReadsSecretsOfOtherTypesByNameBeforeItIsSynced) {
  model_.put(key<Ingress>("shop", "web"), "");
  model_.put(key<Secret>("shop", "opaque"), R"("type":"Opaque")");
  model_.put(key<Secret>("shop", "unused"), R"("type":"Opaque")");
  wanted_ = {
      {"shop/opaque", true}, {"shop/missing", true}, {"shop/left", true}, {"shop/left", false}};
  start_and_sync();
  EXPECT_THAT(told_, ElementsAre("Ingress shop/web", "Secret shop/opaque"));
  ASSERT_TRUE(until([this] { return api_.open_streams() == 7; }));
  // Made anew with the type that it should have had: it comes by another watch.
  model_.remove(key<Secret>("shop", "opaque"));
  model_.put(key<Secret>("shop", "opaque"), R"("type":"kubernetes.io/tls")");
  model_.put(key<Secret>("shop", "missing"), R"("type":"kubernetes.io/tls")");
  push();
  ASSERT_TRUE(until([this] { return api_.open_streams() == 5; }));
  EXPECT_THAT(told_, ElementsAre("Ingress shop/web", "Secret shop/missing", "Secret shop/opaque"));
  const SecretUse dropped{"shop/opaque", false};
  source_->use_secrets({&dropped, 1});
  model_.put(key<Secret>("shop", "last"), R"("type":"kubernetes.io/tls")");
  push();
  EXPECT_THAT(told_, Contains("Secret shop/opaque")) << "its type alone keeps it";
}

TEST_F(ClusterSourceTest, AMissingRightIsNamedAndTheRestGoesOn) {
  model_.put(key<Ingress>("shop", "web"), "");
  model_.refuse("secrets", 403);
  model_.refuse("ingressclasses", 403);
  start_and_sync();
  EXPECT_THAT(told_, ElementsAre("Ingress shop/web"));
  EXPECT_THAT(findings_, ElementsAre(StartsWith("may not list ingressclasses"),
                                     StartsWith("may not list secrets")));
  model_.put(key<Secret>("shop", "tls"), R"("type":"kubernetes.io/tls")");
  model_.refuse("secrets", 0);
  ASSERT_TRUE(until([this] { return told_.contains("Secret shop/tls"); }));
  ASSERT_TRUE(until([this] { return findings_.size() == 1; }));
}

TEST_F(ClusterSourceTest, WithoutIngressesItIsNeverSynced) {
  model_.refuse("ingresses", 403);
  start();
  ASSERT_TRUE(until([this] { return !findings_.empty(); }));
  EXPECT_THAT(findings_, ElementsAre(StartsWith("may not list ingresses")));
  EXPECT_FALSE(synced_);
  model_.refuse("ingresses", 0);
  EXPECT_TRUE(until([this] { return synced_; }));
}

TEST_F(ClusterSourceTest, KeepsWhatItHasWhileTheServerIsAway) {
  model_.put(key<Ingress>("shop", "web"), "");
  start_and_sync();
  ASSERT_TRUE(until([this] { return api_.open_streams() == 5; }));
  api_.go_down();
  model_.put(key<Ingress>("shop", "new"), "");
  model_.compact();
  const auto requests = api_.requests().size();
  ASSERT_TRUE(until([&] { return api_.requests().size() > requests + 10; }));
  EXPECT_THAT(told_, ElementsAre("Ingress shop/web"));
  api_.come_back();
  ASSERT_TRUE(until([this] { return told_.size() == 2; }));
  EXPECT_TRUE(until([this] { return api_.open_streams() == 5; }));
}

TEST_F(ClusterSourceTest, WaitsForAServerThatIsNotThereYet) {
  api_.go_down();
  start();
  ASSERT_TRUE(until([&] { return api_.requests().size() > 10; }));
  EXPECT_EQ(batches_, 0);
  api_.come_back();
  EXPECT_TRUE(until([this] { return synced_; }));
}

TEST_F(ClusterSourceTest, TheHandlerMayDestroyIt) {
  auto source = std::make_unique<std::unique_ptr<ClusterSource>>();
  bool called = false;
  *source =
      std::make_unique<ClusterSource>(loop_, api_, ClusterScope(), [&](const Batch& /*batch*/) {
        called = true;
        source->reset();
      });
  ASSERT_TRUE(until([&] { return called; }));
  loop_.run_until([] { return false; }, 20ms);
}

}  // namespace
}  // namespace portico::kube
