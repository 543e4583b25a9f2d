#include "controller/status/lease.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/status/micro_time.h"

namespace portico::status {
namespace {

using ::testing::HasSubstr;

// As client-go wrote it.
constexpr const char* kLease = R"({
  "kind": "Lease", "apiVersion": "coordination.k8s.io/v1",
  "metadata": {"name": "portico-leader", "namespace": "portico", "resourceVersion": "42",
               "labels": {"team": "edge"}},
  "spec": {"holderIdentity": "portico-a", "leaseDurationSeconds": 15, "leaseTransitions": 3,
           "acquireTime": "2026-11-23T03:00:00.000000Z", "renewTime": "2026-11-23T04:00:00.000000Z"}
})";

TEST(Lease, IsReadAsClientGoWritesIt) {
  const auto lease = read_lease(kLease);
  ASSERT_TRUE(lease);
  EXPECT_EQ(lease->record, (LeaseRecord{.holder = "portico-a",
                                        .duration_seconds = 15,
                                        .transitions = 3,
                                        .acquire_time = "2026-11-23T03:00:00.000000Z",
                                        .renew_time = "2026-11-23T04:00:00.000000Z"}));
}

TEST(Lease, IsNotReadFromAnythingElse) {
  EXPECT_FALSE(read_lease(""));
  EXPECT_FALSE(read_lease("[]"));
  EXPECT_FALSE(read_lease(R"({"kind": "Status", "message": "no"})"));
}

TEST(Lease, KeepsWhatIsNotItsRecord) {
  const LeaseRecord record{.holder = "b", .duration_seconds = 10, .transitions = 4};
  const auto body = replace_record(*read_lease(kLease), record);
  EXPECT_THAT(body, HasSubstr(R"("resourceVersion":"42")"));
  EXPECT_THAT(body, HasSubstr(R"("team":"edge")"));
  EXPECT_EQ(read_lease(body)->record, record);
}

TEST(Lease, NewOneNamesItself) {
  const LeaseRecord record{.holder = "a", .duration_seconds = 10};
  const auto body = new_lease("portico", "portico-leader", record);
  EXPECT_THAT(body, HasSubstr(R"({"namespace":"portico","name":"portico-leader"})"));
  EXPECT_EQ(read_lease(body)->record, record);
}

TEST(MicroTime, HasSixDigits) {
  using namespace std::chrono;
  EXPECT_EQ(micro_time(sys_days{2026y / 11 / 3} + 4h + 5min + 6s + 78us),
            "2026-11-03T04:05:06.000078Z");
}

}  // namespace
}  // namespace portico::status
