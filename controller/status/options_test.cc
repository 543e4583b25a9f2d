#include "controller/status/options.h"

#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace portico::status {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Options, SplitAddressesAtCommas) {
  EXPECT_THAT(split_addresses("192.0.2.1, lb.example.com,"),
              ElementsAre("192.0.2.1", "lb.example.com"));
  EXPECT_THAT(split_addresses(""), IsEmpty());
  EXPECT_THAT(split_addresses(" , "), IsEmpty());
}

TEST(Options, KeepWhatIsGiven) {
  Options options;
  options.namespace_ = "n";
  options.pod = "p";
  read_environment(options);
  EXPECT_EQ(options.namespace_, "n");
  EXPECT_EQ(options.identity, "p");
}

TEST(Options, NameTwoReplicasOfOneHostApart) {
  ::unsetenv("POD_NAME");  // NOLINT(concurrency-mt-unsafe)
  Options a;
  Options b;
  read_environment(a);
  read_environment(b);
  EXPECT_NE(a.identity, b.identity);
}

}  // namespace
}  // namespace portico::status
