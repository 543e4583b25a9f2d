#include "controller/status/call_log.h"

#include <gtest/gtest.h>

#include "controller/status/testing/fake_api.h"

namespace portico::status {
namespace {

using testing::no_answer;
using testing::refusal;

struct Row {
  int status;
  Verdict verdict;
};
class Judging : public ::testing::TestWithParam<Row> {};

TEST_P(Judging, FollowsTheStatus) {
  EXPECT_EQ(judge(refusal(GetParam().status, "")), GetParam().verdict);
}

INSTANTIATE_TEST_SUITE_P(Statuses, Judging,
                         ::testing::Values(Row{200, Verdict::kDone}, Row{201, Verdict::kDone},
                                           Row{401, Verdict::kLater}, Row{403, Verdict::kForbidden},
                                           Row{404, Verdict::kGone}, Row{409, Verdict::kConflict},
                                           Row{422, Verdict::kInvalid}, Row{429, Verdict::kLater},
                                           Row{500, Verdict::kLater}, Row{503, Verdict::kLater}),
                         [](const auto& row) { return std::to_string(row.param.status); });

TEST(CallLog, NamesVerbResourceAndNamespace) {
  EXPECT_EQ(describe({"patch", "ingresses.networking.k8s.io/status", "shop"},
                     refusal(403, "User \"x\" cannot patch")),
            "may not patch ingresses.networking.k8s.io/status in namespace shop: User \"x\" cannot "
            "patch");
  EXPECT_EQ(describe({"get", "nodes", ""}, no_answer()), "can't get nodes: no answer");
}

}  // namespace
}  // namespace portico::status
