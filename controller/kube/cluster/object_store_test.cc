#include "controller/kube/cluster/object_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace portico::kube {
namespace {

using ::testing::IsEmpty;

ObjectPointer service(const std::string& name, const std::string& ip) {
  Service service;
  service.meta.namespace_ = "shop";
  service.meta.name = name;
  service.cluster_ip = ip;
  return std::make_shared<const Object>(std::move(service));
}

ObjectKey key(const std::string& name) {
  return {kind_index<Service>(), "shop", name};
}

class ObjectStoreTest : public ::testing::Test {
 protected:
  // "name" where put, "-name" where gone.
  std::vector<std::string> told() {
    std::vector<std::string> out;
    for (const Change& change : changes_) {
      out.push_back((change.object == nullptr ? "-" : "") + change.key.name);
    }
    changes_.clear();
    std::ranges::sort(out);
    return out;
  }
  ObjectStore store_;
  std::vector<Change> changes_;
};

TEST_F(ObjectStoreTest, TellsWhatChanges) {
  store_.put(service("a", "1"), changes_);
  EXPECT_THAT(told(), ::testing::ElementsAre("a"));
  const auto before = store_.find(key("a"));
  store_.put(service("a", "1"), changes_);
  EXPECT_THAT(told(), IsEmpty());
  EXPECT_EQ(store_.find(key("a")), before) << "the same keeps its pointer";
  store_.put(service("a", "2"), changes_);
  EXPECT_THAT(told(), ::testing::ElementsAre("a"));
  store_.remove(key("a"), changes_);
  store_.remove(key("a"), changes_);
  EXPECT_THAT(told(), ::testing::ElementsAre("-a"));
}

TEST_F(ObjectStoreTest, TellsTheDifferenceOfAList) {
  for (const auto* name : {"a", "b", "c", "d"}) {
    store_.put(service(name, "1"), changes_);
  }
  told();
  store_.begin_list();
  store_.list(service("half", "1"));
  store_.begin_list();  // that one was never finished
  store_.list(service("a", "1"));
  store_.list(service("b", "2"));
  store_.list_unreadable(key("c"));
  store_.list_unreadable(key("x"));
  store_.list(service("e", "1"));
  EXPECT_THAT(told(), IsEmpty());
  store_.end_list(changes_);
  EXPECT_THAT(told(), ::testing::ElementsAre("-d", "b", "e"));
  EXPECT_EQ(store_.size(), 4u);
}

}  // namespace
}  // namespace portico::kube
