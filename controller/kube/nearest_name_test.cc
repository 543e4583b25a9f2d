#include "controller/kube/nearest_name.h"

#include <gtest/gtest.h>

namespace portico::kube {
namespace {

TEST(NearestName, FindsWhatWasMeant) {
  constexpr std::string_view kKnown[] = {"host", "http", "pathType", "ingressClassName"};
  struct Row {
    std::string_view name;
    std::optional<std::string_view> meant;
  };
  const Row rows[] = {{"hosts", "host"},          {"hsot", "host"},
                      {"pathtype", "pathType"},   {"pahtTpye", "pathType"},
                      {"ingressClass", {}},       {"IngressClassname", "ingressClassName"},
                      {"completely", {}},         {"", {}},
                      {std::string_view("h"), {}}};
  for (const Row& row : rows) {
    EXPECT_EQ(nearest_name(row.name, kKnown), row.meant) << row.name;
  }
}

}  // namespace
}  // namespace portico::kube
