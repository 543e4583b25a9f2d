#include "controller/kube/cluster/watch_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace portico::kube {
namespace {

using ::testing::HasSubstr;
using Type = WatchEvent::Type;

constexpr const char* kStream =
    R"({"type":"ADDED","object":{"kind":"Service","apiVersion":"v1","metadata":{"name":"web","namespace":"shop","resourceVersion":"7","managedFields":[{"name":"x","a":[1,{"b":null}]}],"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"much\":1}","a":"b","portico.dev/a":"c"}},"spec":{"type":"LoadBalancer","newField":{"x":[1]},"externalIPs":["192.0.2.9"],"ports":[{"port":80,"targetPort":"http"}]},"status":{"conditions":[{"a":1}],"loadBalancer":{"ingress":[{"ip":"192.0.2.1","ipMode":"VIP"},{"hostname":"lb.test"}]}}}}
{"type":"DELETED","object":{"kind":"Service","apiVersion":"v1","metadata":{"name":"web","namespace":"shop","resourceVersion":"8"}}}
{"type":"BOOKMARK","object":{"kind":"Service","apiVersion":"v1","metadata":{"resourceVersion":"9","creationTimestamp":null},"spec":{},"status":{"loadBalancer":{}}}}
{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"too old resource version","reason":"Expired","code":410}}
)";

std::vector<WatchEvent> read(std::string_view text, std::size_t piece,
                             std::size_t limit = 4 << 20) {
  WatchReader reader(kind_index<Service>(), limit);
  std::vector<WatchEvent> events;
  for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) {
    reader.feed(text.substr(0, piece), events);
  }
  return events;
}

TEST(WatchReader, ReadsEventsHoweverTheyAreCut) {
  for (const std::size_t piece : {1UL, 2UL, 7UL, 100UL, 1000UL, 100000UL}) {
    const auto events = read(kStream, piece);
    ASSERT_EQ(events.size(), 4u) << piece;
    ASSERT_EQ(events[0].type, Type::kPut);
    EXPECT_EQ(events[0].subject.version, "7");
    const auto& service = std::get<Service>(*events[0].subject.object);
    EXPECT_EQ(service.meta.namespace_, "shop");
    EXPECT_EQ(service.ports.at(0).target_port.name, "http");
    EXPECT_EQ(events[1].type, Type::kDeleted);
    EXPECT_EQ(events[1].subject.key, (ObjectKey{kind_index<Service>(), "shop", "web"}));
    EXPECT_EQ(events[2].type, Type::kBookmark);
    EXPECT_EQ(events[2].subject.version, "9");
    EXPECT_EQ(events[3].type, Type::kRefused);
    EXPECT_EQ(events[3].status.code, 410);
    EXPECT_EQ(events[3].status.reason, "Expired");
  }
}

TEST(WatchReader, KeepsAddressesAndDropsBulk) {
  const auto events = read(kStream, 100000);
  const auto& service = std::get<Service>(*events.at(0).subject.object);
  EXPECT_EQ(service.external_ips, std::vector<std::string>{"192.0.2.9"});
  const std::vector<LoadBalancerAddress> addresses = {{.ip = "192.0.2.1", .hostname = ""},
                                                      {.ip = "", .hostname = "lb.test"}};
  EXPECT_EQ(service.load_balancer, addresses);
  EXPECT_EQ(service.meta.annotations.size(), 1u);
  EXPECT_EQ(service.meta.annotations.at("portico.dev/a"), "c");
}

TEST(WatchReader, KeepsOfASlicesAnnotationsOurOwn) {
  constexpr const char* kSlice =
      R"({"type":"MODIFIED","object":{"metadata":{"name":"web-1","namespace":"shop","annotations":{"endpoints.kubernetes.io/last-change-trigger-time":"2026-11-23T18:00:00Z","portico.dev/weight":"5"}},"addressType":"IPv4","endpoints":[]}}
)";
  WatchReader reader(kind_index<EndpointSlice>(), 4 << 20);
  std::vector<WatchEvent> events;
  reader.feed(kSlice, events);
  ASSERT_EQ(events.size(), 1u);
  const auto& slice = std::get<EndpointSlice>(*events[0].subject.object);
  EXPECT_EQ(slice.meta.annotations.size(), 1u);
  EXPECT_EQ(slice.meta.annotations.at("portico.dev/weight"), "5");
}

TEST(WatchReader, PassesOverAnEventThatIsTooLarge) {
  const std::string large = R"({"type":"MODIFIED","object":{"kind":"Service","metadata":)"
                            R"({"name":"big","namespace":"shop","annotations":{"x":")" +
                            std::string(5000, 'x') + "\"}}}}\n";
  for (const std::size_t piece : {1UL, 100UL, 100000UL}) {
    const auto events = read(large + kStream, piece, 3000);
    ASSERT_EQ(events.size(), 5u) << piece;
    EXPECT_EQ(events[0].type, Type::kUnreadable);
    EXPECT_EQ(events[0].subject.key, (ObjectKey{kind_index<Service>(), "shop", "big"}));
    EXPECT_THAT(events[0].subject.problem, HasSubstr("larger than 3000 bytes"));
    EXPECT_EQ(events[1].type, Type::kPut);
  }
}

TEST(WatchReader, NamesWhatItCannotRead) {
  const auto events = read(
      "nonsense\n\n{\"type\":\"NEW\",\"object\":{}}\n{}\n[1]\n"
      "{\"type\":\"ADDED\",\"object\":{\"kind\":\"Pod\"}}\n"
      "{\"type\":\"ADDED\"}\n",
      5);
  ASSERT_EQ(events.size(), 6u);
  for (const auto& event : events) {
    EXPECT_EQ(event.type, Type::kUnreadable);
    EXPECT_NE(event.subject.problem, "");
  }
}

TEST(WatchReader, BeginsAnewForANewStream) {
  WatchReader reader(kind_index<Service>());
  std::vector<WatchEvent> events;
  reader.feed(R"({"type":"ADDED","obj)", events);
  reader.restart();
  reader.feed(kStream, events);
  EXPECT_EQ(events.size(), 4u);
}

}  // namespace
}  // namespace portico::kube
