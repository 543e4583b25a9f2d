#include "controller/cli/controller.h"

#include <chrono>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/cli/testing/log_capture.h"
#include "controller/cli/testing/manifest_folder.h"
#include "controller/kube/manifest_source.h"
#include "controller/kube/testing/fake_dns_server.h"

namespace portico::cli {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kIngress;
using testing::kWeb;
using ::testing::Not;

// A manifest folder's real source, a data plane that only notes what it is given.
class ControllerTest : public ::testing::Test {
 protected:
  void start() {
    auto resolver = kube::DnsResolver::open(loop_, {.servers = {dns_.address()}, .shortest = 20ms});
    ASSERT_TRUE(resolver) << resolver.error();
    controller_ = std::make_unique<Controller>(
        translate::Options(), std::move(*resolver),
        [this](const routing::Snapshot& snapshot, std::move_only_function<void()> adopted) {
          published_.push_back(snapshot);
          adopted_.push_back(std::move(adopted));
        },
        [this] { ++readies_; });
    auto source = kube::ManifestSource::open(loop_, folder_.path(), [this](kube::Batch batch) {
      ++batches_;
      controller_->apply(std::move(batch));
    });
    ASSERT_TRUE(source) << source.error();
    source_ = std::move(*source);
    ASSERT_TRUE(until([this] { return batches_ == 1; }));
  }
  bool until(std::move_only_function<bool()> done) { return loop_.run_until(std::move(done), 60s); }
  void next_batch() {
    const auto seen = batches_;
    ASSERT_TRUE(until([&] { return batches_ > seen; }));
  }
  [[nodiscard]] std::vector<std::string> addresses_of(std::string_view backend) const {
    std::vector<std::string> addresses;
    if (const auto* spec = published_.back().backends.find(backend)) {
      for (const auto& endpoint : spec->endpoints) {
        addresses.push_back(endpoint.address);
      }
    }
    return addresses;
  }

  testing::ManifestFolder folder_;
  testing::LogCapture log_;
  net::Loop loop_;
  kube::FakeDnsServer dns_{loop_};
  std::vector<routing::Snapshot> published_;
  std::vector<std::move_only_function<void()>> adopted_;
  int readies_ = 0;
  int batches_ = 0;
  std::unique_ptr<Controller> controller_;
  std::unique_ptr<kube::ManifestSource> source_;
};

TEST_F(ControllerTest, PublishesAnEmptyFolderToo) {
  start();
  EXPECT_EQ(published_.size(), 1u);
}

TEST_F(ControllerTest, IsReadyOnceTheFirstSnapshotIsAdopted) {
  folder_.write("web.yaml", kWeb);
  folder_.write("ingress.yaml", kIngress);
  start();
  EXPECT_EQ(published_.size(), 1u);
  EXPECT_EQ(published_.back().hosts.size(), 1u);
  EXPECT_EQ(readies_, 0);
  adopted_[0]();
  EXPECT_EQ(readies_, 1);
  folder_.write("more.yaml", std::string(kWeb).replace(std::string(kWeb).find("web"), 3, "nobody"));
  ASSERT_TRUE(until([&] { return published_.size() == 2; }));
  adopted_[1]();
  EXPECT_EQ(readies_, 1);
}

TEST_F(ControllerTest, PublishesNothingForWhatNobodyUses) {
  folder_.write("web.yaml", kWeb);
  folder_.write("ingress.yaml", kIngress);
  start();
  folder_.write("unused.yaml",
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: unused}\ndata: {a: b}\n");
  next_batch();
  EXPECT_EQ(published_.size(), 1u);
}

TEST_F(ControllerTest, LogsAFindingOnceWithFileAndLine) {
  folder_.write("web.yaml", kWeb);
  folder_.write("ingress.yaml", kIngress);
  start();
  const auto first = log_.take();
  EXPECT_THAT(first, HasSubstr(folder_.path() + "/ingress.yaml:15: Ingress default/web: "));
  EXPECT_THAT(first, HasSubstr("there is no Service \"nobody\""));
  folder_.write("web.yaml", std::string(kWeb) + "---\n");
  folder_.write("broken.yaml", "kind: [\n");
  next_batch();
  ASSERT_TRUE(until([&] { return controller_->findings().size() == 2; }));
  const auto second = log_.take();
  EXPECT_THAT(second, HasSubstr("error " + folder_.path() + "/broken.yaml:"));
  EXPECT_THAT(second, Not(HasSubstr("nobody")));
  folder_.write("broken2.yaml", "kind: [\n");
  ASSERT_TRUE(until([&] { return controller_->findings().size() == 3; }));
  EXPECT_THAT(log_.take(), Not(HasSubstr("broken.yaml")));
}

TEST_F(ControllerTest, LogsEachFindingInOneLine) {
  EXPECT_EQ(to_log_line({.object = {"Ingress", "default", "web"},
                         .field = "spec",
                         .message = "\"a\nb\"",
                         .fix = "write c",
                         .file = "x.yaml",
                         .line = 3}),
            "x.yaml:3: Ingress default/web: spec: \"a b\"; write c");
}

class ControllerDns : public ControllerTest {
 protected:
  ControllerDns() {
    folder_.write("ingress.yaml", kIngress);
    write_service("Backend.Test.");
  }
  void write_service(const std::string& name) {
    folder_.write("web.yaml",
                  "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {type: "
                  "ExternalName, externalName: " +
                      name + ", ports: [{port: 80}]}\n");
  }
};

TEST_F(ControllerDns, PublishesWhatAnExternalNameResolvesTo) {
  dns_.records["backend.test"] = {.addresses = {"127.0.0.1"}};
  start();
  EXPECT_THAT(addresses_of("default/web:80"), IsEmpty());
  ASSERT_TRUE(until([&] { return published_.size() == 2; }));
  EXPECT_THAT(addresses_of("default/web:80"), ::testing::ElementsAre("127.0.0.1"));
}

TEST_F(ControllerDns, FollowsTheNameAsItsTtlEnds) {
  dns_.records["backend.test"] = {.addresses = {"127.0.0.1"}, .ttl_seconds = 0};
  start();
  ASSERT_TRUE(until([&] { return published_.size() == 2; }));
  dns_.records["backend.test"].addresses = {"127.0.0.2", "127.0.0.3"};
  ASSERT_TRUE(until([&] { return published_.size() == 3; }));
  EXPECT_THAT(addresses_of("default/web:80"), ::testing::ElementsAre("127.0.0.2", "127.0.0.3"));
}

TEST_F(ControllerDns, AsksForTheNewNameOfAService) {
  dns_.records["backend.test"] = {.addresses = {"127.0.0.1"}};
  dns_.records["other.test"] = {.addresses = {"127.0.0.9"}};
  start();
  ASSERT_TRUE(until([&] { return published_.size() == 2; }));
  write_service("other.test");
  ASSERT_TRUE(until(
      [&] { return addresses_of("default/web:80") == std::vector<std::string>{"127.0.0.9"}; }));
}

// A source that reads kind by kind, as a cluster's does.
TEST(ControllerWithoutAllObjects, PublishesAndLogsNothingYet) {
  testing::ManifestFolder folder;
  folder.write("web.yaml", kWeb);
  folder.write("ingress.yaml", kIngress);
  const std::filesystem::path path = folder.path();
  const auto read = kube::read_manifests({&path, 1});
  ASSERT_TRUE(read) << read.error();
  testing::LogCapture log;
  int published = 0;
  Controller controller(
      translate::Options(), nullptr,
      [&](const routing::Snapshot&, std::move_only_function<void()>) { ++published; }, [] {});
  kube::Batch batch;
  for (const auto& object : read->objects) {
    batch.changes.push_back({kube::key_of(*object), object});
  }
  controller.apply(std::move(batch));
  EXPECT_EQ(published, 0);
  EXPECT_EQ(log.take(), "");
  controller.apply({.synced = true});
  EXPECT_EQ(published, 1);
  EXPECT_THAT(log.take(), HasSubstr("there is no Service \"nobody\""));
}

TEST(ControllerWithAnObserver, TellsWhatItTookUpAndWhatThatBrought) {
  testing::ManifestFolder folder;
  folder.write("ingress.yaml", kIngress);
  const std::filesystem::path path = folder.path();
  const auto read = kube::read_manifests({&path, 1});
  ASSERT_TRUE(read) << read.error();
  testing::LogCapture log;
  std::vector<std::string> told;
  Controller controller(
      translate::Options(), nullptr,
      [](const routing::Snapshot&, std::move_only_function<void()>) {}, [] {},
      [&](std::span<const kube::Change> changes, const routing::Diagnostics& raised) {
        for (const auto& change : changes) {
          told.push_back(change.key.name);
        }
        for (const auto& finding : raised) {
          told.push_back(finding.message);
        }
      });
  kube::Batch batch{.synced = true};
  for (const auto& object : read->objects) {
    batch.changes.push_back({kube::key_of(*object), object});
  }
  controller.apply(std::move(batch));
  EXPECT_THAT(told, ::testing::ElementsAre("web", HasSubstr("no Service \"web\""),
                                           HasSubstr("no Service \"nobody\"")));
}

}  // namespace
}  // namespace portico::cli
