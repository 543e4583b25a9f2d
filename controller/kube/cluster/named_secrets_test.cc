#include "controller/kube/cluster/named_secrets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace portico::kube {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(NamedSecrets, ReadsWhatIsWantedAndNotHeld) {
  NamedSecrets secrets;
  secrets.want("a/tls", true);
  secrets.want("a/opaque", false);
  EXPECT_THAT(secrets.read(), ElementsAre("a/opaque"));
  secrets.set_held("a/tls", false);
  secrets.set_held("a/opaque", true);
  secrets.set_held("a/nobody-asks", false);
  EXPECT_THAT(secrets.read(), ElementsAre("a/tls"));
  secrets.forget("a/tls");
  EXPECT_THAT(secrets.read(), IsEmpty());
}

TEST(NamedSecrets, LetsThoseThatAreMissingTakeTurns) {
  NamedSecrets secrets;
  constexpr std::size_t kMissing = NamedSecrets::kMostRead + 136;
  for (std::size_t i = 0; i < kMissing; ++i) {
    secrets.want("a/missing-" + std::to_string(i), false);
  }
  secrets.want("a/there", false);
  EXPECT_EQ(secrets.read().size(), NamedSecrets::kMostRead);
  const auto is_absent = [](const std::string& key) { return key != "a/there"; };
  int turns = 0;
  while (!secrets.read().contains("a/there") && turns < 100) {
    secrets.take_turns(is_absent);
    ++turns;
  }
  EXPECT_LE(turns, 20);
  for (int i = 0; i < 100; ++i) {
    secrets.take_turns(is_absent);
  }
  EXPECT_TRUE(secrets.read().contains("a/there"));
  EXPECT_EQ(secrets.read().size(), NamedSecrets::kMostRead);
  EXPECT_EQ(secrets.waiting().size(), kMissing + 1 - NamedSecrets::kMostRead);
}

}  // namespace
}  // namespace portico::kube
