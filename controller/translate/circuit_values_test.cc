#include "controller/translate/circuit_values.h"

#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/translate/annotations.h"
#include "controller/translate/config_map.h"

namespace portico::translate {
namespace {

using namespace std::chrono_literals;
using routing::CircuitSpec;
using ::testing::HasSubstr;
using ::testing::SizeIs;

AnnotationReading read(std::string_view name, std::string_view value) {
  return read_annotations(
      {{"nginx.ingress.kubernetes.io/" + std::string(name), std::string(value)}});
}

struct Row {
  std::string_view name, value;
  CircuitSpec wanted;
};

TEST(CircuitAnnotations, SetTheirFields) {
  for (const auto& row :
       std::vector<Row>{{"circuit-max-connections", "7", {.max_connections = 7}},
                        {"circuit-max-requests", "10", {.max_requests = 10}},
                        {"circuit-max-requests", "0", {.max_requests = 0}},
                        {"circuit-max-requests", "1000000", {.max_requests = 1'000'000}},
                        {"circuit-max-pending", "100", {.max_pending = 100}},
                        {"circuit-max-retries", "3", {.max_retries = 3}},
                        {"circuit-queue-timeout", "5", {.queue_timeout = 5s}},
                        {"circuit-queue-timeout", "0", {.queue_timeout = 0s}},
                        {"circuit-queue-timeout", "0.5", {.queue_timeout = 500ms}},
                        {"circuit-queue-timeout", "1.25", {.queue_timeout = 1250ms}},
                        {"circuit-queue-timeout", "0.001", {.queue_timeout = 1ms}},
                        {"circuit-queue-timeout", "3600", {.queue_timeout = 1h}},
                        {"adaptive-concurrency", "on", {.adaptive = true}},
                        {"adaptive-concurrency", "off", {.adaptive = false}}}) {
    const auto reading = read(row.name, row.value);
    EXPECT_EQ(reading.backend.balance.circuit, row.wanted) << row.name << ": " << row.value;
    EXPECT_THAT(reading.findings, SizeIs(0)) << row.name << ": " << row.value;
  }
}

TEST(CircuitAnnotations, BadValuesLeaveThingsAsTheyAre) {
  for (const auto& row : std::vector<Row>{{"circuit-max-connections", "-1", {}},
                                          {"circuit-max-requests", "1000001", {}},
                                          {"circuit-max-requests", "99999999999999999999", {}},
                                          {"circuit-max-pending", "", {}},
                                          {"circuit-max-retries", "3.5", {}},
                                          {"circuit-queue-timeout", "5s", {}},
                                          {"circuit-queue-timeout", "-1", {}},
                                          {"circuit-queue-timeout", "0.0001", {}},
                                          {"circuit-queue-timeout", ".5", {}},
                                          {"circuit-queue-timeout", "5.", {}},
                                          {"circuit-queue-timeout", "1.-5", {}},
                                          {"circuit-queue-timeout", "3600.001", {}},
                                          {"circuit-queue-timeout", "99999999999999999999", {}},
                                          {"adaptive-concurrency", "true", {}},
                                          {"adaptive-concurrency", "", {}}}) {
    const auto reading = read(row.name, row.value);
    EXPECT_EQ(reading.backend.balance.circuit, CircuitSpec()) << row.name << ": " << row.value;
    ASSERT_THAT(reading.findings, SizeIs(1)) << row.name << ": " << row.value;
    EXPECT_THAT(reading.findings.front().annotation, HasSubstr(row.name));
  }
}

TEST(CircuitAnnotations, DifferentLimitsAreDifferentBackends) {
  std::set<std::string> texts;
  for (const auto* name : {"circuit-max-connections", "circuit-max-requests", "circuit-max-pending",
                           "circuit-max-retries", "circuit-queue-timeout"}) {
    texts.insert(read(name, "1").backend.text());
    texts.insert(read(name, "2").backend.text());
  }
  EXPECT_THAT(texts, SizeIs(10));
  EXPECT_FALSE(texts.contains(""));
}

TEST(CircuitSettings, AreDefaultsOfAllBackends) {
  const routing::CircuitSpec annotations{.max_requests = 5, .queue_timeout = 0s};
  const routing::CircuitSpec settings{.max_connections = 9, .max_requests = 7, .queue_timeout = 3s};
  const routing::CircuitSpec both{.max_connections = 9, .max_requests = 5, .queue_timeout = 0s};
  EXPECT_EQ(annotations.or_else(settings), both);
}

TEST(CircuitSettings, OfZeroLimitNothing) {
  kube::ConfigMap object;
  object.data = {{"circuit-max-requests", "0"},
                 {"circuit-max-retries", "4"},
                 {"circuit-queue-timeout", "0.5"},
                 {"adaptive-concurrency", "on"},
                 {"circuit-max-pending", "many"}};
  const auto reading = read_config_map("ingress/settings", &object);
  EXPECT_EQ(reading.settings.circuit,
            (CircuitSpec{.max_retries = 4, .queue_timeout = 500ms, .adaptive = true}));
  EXPECT_THAT(reading.diagnostics, SizeIs(1));
}

}  // namespace
}  // namespace portico::translate
