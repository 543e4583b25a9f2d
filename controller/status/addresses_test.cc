#include "controller/status/addresses.h"

#include <string>

#include <gtest/gtest.h>

namespace portico::status {
namespace {

struct Row {
  const char* name;
  kube::Service service;
  const char* published;
};
class ServiceAddresses : public ::testing::TestWithParam<Row> {};

TEST_P(ServiceAddresses, AreThoseOfItsType) {
  EXPECT_EQ(to_string(service_addresses(GetParam().service)), GetParam().published);
}

INSTANTIATE_TEST_SUITE_P(
    Types, ServiceAddresses,
    ::testing::Values(
        Row{"ClusterIp", {.type = "ClusterIP", .cluster_ip = "10.0.0.1"}, "10.0.0.1"},
        Row{"Headless", {.type = "ClusterIP", .cluster_ip = "None"}, "none"},
        Row{"ExternalName", {.type = "ExternalName", .external_name = "lb.test"}, "lb.test"},
        Row{"NodePort", {.type = "NodePort", .cluster_ip = "10.0.0.1"}, "10.0.0.1"},
        Row{"NodePortWithExternalIps",
            {.type = "NodePort", .cluster_ip = "10.0.0.1", .external_ips = {"9.9.9.9", "8.8.8.8"}},
            "8.8.8.8, 9.9.9.9"},
        Row{"PendingLoadBalancer", {.type = "LoadBalancer", .cluster_ip = "10.0.0.1"}, "none"},
        Row{"LoadBalancer",
            {.type = "LoadBalancer",
             .external_ips = {"1.1.1.1", "2.2.2.2"},
             .load_balancer = {{.hostname = "lb.test"}, {.ip = "2.2.2.2"}}},
            "1.1.1.1, 2.2.2.2, lb.test"},
        Row{"IpBeforeHostname",
            {.type = "LoadBalancer", .load_balancer = {{.ip = "2.2.2.2", .hostname = "lb.test"}}},
            "2.2.2.2"}),
    [](const auto& row) { return row.param.name; });

TEST(Addresses, AreSortedByHostNameThenIpAndNoneIsTwice) {
  EXPECT_EQ(to_string(normalized({{.hostname = "b"},
                                  {.ip = "2.0.0.1"},
                                  {.hostname = "a"},
                                  {.ip = "1.0.0.1"},
                                  {.ip = "2.0.0.1"}})),
            "1.0.0.1, 2.0.0.1, a, b");
}

TEST(Addresses, AreTheSameInAnyOrder) {
  EXPECT_TRUE(same_addresses({{.ip = "1.1.1.1"}, {.hostname = "a"}},
                             {{.hostname = "a"}, {.ip = "1.1.1.1"}}));
  EXPECT_FALSE(same_addresses({{.ip = "1.1.1.1"}}, {{.ip = "1.1.1.2"}}));
  EXPECT_FALSE(same_addresses({{.ip = "1.1.1.1"}}, {}));
}

TEST(Addresses, TellIpsFromHostNames) {
  EXPECT_EQ(parse_address("192.0.2.1").ip, "192.0.2.1");
  EXPECT_EQ(parse_address("2001:db8::1").ip, "2001:db8::1");
  EXPECT_EQ(parse_address("lb.example.com").hostname, "lb.example.com");
}

}  // namespace
}  // namespace portico::status
