#include "controller/kube/cluster/label_selector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace portico::kube {
namespace {

using ::testing::HasSubstr;

struct Row {
  const char* selector;
  Labels labels;
  bool matches;
};

TEST(LabelSelector, SelectsAsKubernetesDoes) {
  const std::vector<Row> rows = {
      {"", {}, true},
      {"team", {{"team", "web"}}, true},
      {"team", {}, false},
      {"!team", {}, true},
      {"!team", {{"team", ""}}, false},
      {"team=web", {{"team", "web"}}, true},
      {"team==web", {{"team", "web"}}, true},
      {"team = web", {{"team", "db"}}, false},
      {"team=", {{"team", ""}}, true},
      {"team!=web", {{"team", "db"}}, true},
      {"team!=web", {}, true},
      {"team!=web", {{"team", "web"}}, false},
      {"tier in (a,b)", {{"tier", "b"}}, true},
      {"tier in ( a , b )", {{"tier", "c"}}, false},
      {"tier in (a)", {}, false},
      {"tier in (a,)", {{"tier", ""}}, true},
      {"tier notin (a,b)", {{"tier", "c"}}, true},
      {"tier notin (a,b)", {}, true},
      {"tier notin (a,b)", {{"tier", "a"}}, false},
      {"x.io/a=b,c,!d , e notin (f)", {{"x.io/a", "b"}, {"c", ""}}, true},
      {"x.io/a=b,c,!d,e notin (f)", {{"x.io/a", "b"}, {"c", ""}, {"e", "f"}}, false},
      {"in in (in)", {{"in", "in"}}, true},
  };
  for (const Row& row : rows) {
    const auto selector = LabelSelector::parse(row.selector);
    ASSERT_TRUE(selector) << row.selector << ": " << selector.error();
    EXPECT_EQ(selector->matches(row.labels), row.matches) << row.selector;
  }
}

TEST(LabelSelector, RefusesWhatIsNone) {
  for (const auto* text :
       {"=", "a=b=c", "a,,b", "a,", ",a", "!", "a in", "a in (b", "a in b", "a in ()c", "a b", "-a",
        "a=-b", "/a", "a/b/c", "a=b c", "a>1", "a!b", "a in (b;c)"}) {
    const auto selector = LabelSelector::parse(text);
    ASSERT_FALSE(selector) << text;
    EXPECT_NE(selector.error(), "");
  }
}

}  // namespace
}  // namespace portico::kube
