#include "controller/translate/class_selection.h"

#include <gtest/gtest.h>

namespace portico::translate {
namespace {

constexpr const char* kOurs = "portico.dev/ingress-controller";
constexpr const char* kTheirs = "k8s.io/ingress-nginx";

kube::IngressClass ingress_class(const std::string& controller, bool is_default = false) {
  kube::IngressClass object;
  object.controller = controller;
  if (is_default) {
    object.meta.annotations["ingressclass.kubernetes.io/is-default-class"] = "true";
  }
  return object;
}

kube::Ingress with_field(const std::string& name) {
  kube::Ingress ingress;
  ingress.class_name = name;
  return ingress;
}

kube::Ingress with_annotation(const std::string& name) {
  kube::Ingress ingress;
  ingress.meta.annotations["kubernetes.io/ingress.class"] = name;
  return ingress;
}

struct Case {
  const char* name;
  ClassOptions options;
  std::vector<std::pair<std::string, kube::IngressClass>> classes;
  kube::Ingress ingress;
  bool ours;
  std::optional<routing::Severity> finding;
};

std::ostream& operator<<(std::ostream& out, const Case& row) {
  return out << row.name;
}

class ClassSelectionCase : public ::testing::TestWithParam<Case> {};

TEST_P(ClassSelectionCase, Decides) {
  const auto& row = GetParam();
  ClassSelection selection(row.options);
  for (const auto& [name, object] : row.classes) {
    selection.set(name, &object);
  }
  const auto decision = selection.decide(row.ingress);
  EXPECT_EQ(decision.ours, row.ours);
  EXPECT_EQ(decision.finding.has_value(), row.finding.has_value());
  if (decision.finding && row.finding) {
    EXPECT_EQ(decision.finding->severity, *row.finding);
  }
}

using routing::Severity;

INSTANTIATE_TEST_SUITE_P(
    Table, ClassSelectionCase,
    ::testing::Values(
        Case{"OurNameWithoutObjectIsOurs", {}, {}, with_field("portico"), true, {}},
        Case{"OurNameWithOurControllerIsOurs",
             {},
             {{"portico", ingress_class(kOurs)}},
             with_field("portico"),
             true,
             {}},
        Case{"OurNameWithAnotherControllerIsNot",
             {},
             {{"portico", ingress_class(kTheirs)}},
             with_field("portico"),
             false,
             Severity::kInfo},
        Case{"OurNameWithAnotherControllerByName",
             {.ingress_class_by_name = true},
             {{"portico", ingress_class(kTheirs)}},
             with_field("portico"),
             true,
             {}},
        Case{"AnyNameWithOurControllerIsOurs",
             {},
             {{"inside", ingress_class(kOurs)}},
             with_field("inside"),
             true,
             {}},
        Case{"UnknownNameIsAnError", {}, {}, with_field("nginx-example"), false, Severity::kError},
        Case{"TakenOverControllerIsOurs",
             {.controller_class = kTheirs},
             {{"nginx", ingress_class(kTheirs)}},
             with_field("nginx"),
             true,
             {}},
        Case{"AnnotationMatchesByName", {}, {}, with_annotation("portico"), true, {}},
        Case{"AnnotationMatchesByNameWhateverTheObject",
             {},
             {{"portico", ingress_class(kTheirs)}},
             with_annotation("portico"),
             true,
             {}},
        Case{"AnnotationOfAnotherIsNot",
             {},
             {},
             with_annotation("traefik"),
             false,
             Severity::kWarning},
        Case{"NoClassInAFolderWithoutClassesIsOurs", {}, {}, kube::Ingress{}, true, {}},
        Case{"NoClassInAClusterIsNot",
             {.classless_folder = false},
             {},
             kube::Ingress{},
             false,
             Severity::kInfo},
        Case{"NoClassBesideClassesIsNot",
             {},
             {{"portico", ingress_class(kOurs)}},
             kube::Ingress{},
             false,
             Severity::kInfo},
        Case{"NoClassWithOurDefaultIsOurs",
             {},
             {{"portico", ingress_class(kOurs, true)}},
             kube::Ingress{},
             true,
             {}},
        Case{"NoClassWithTheirDefaultIsNot",
             {},
             {{"nginx", ingress_class(kTheirs, true)}},
             kube::Ingress{},
             false,
             Severity::kInfo},
        Case{"NoClassIsWatchedByFlag",
             {.watch_ingress_without_class = true},
             {{"nginx", ingress_class(kTheirs, true)}},
             kube::Ingress{},
             true,
             {}}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(ClassSelection, FieldComesBeforeTheAnnotation) {
  const ClassSelection selection(ClassOptions{});
  auto ingress = with_annotation("portico");
  ingress.class_name = "other";
  EXPECT_FALSE(selection.decide(ingress).ours);
}

TEST(ClassSelection, TellsWhetherAnythingChanged) {
  ClassSelection selection(ClassOptions{});
  const auto object = ingress_class(kOurs);
  EXPECT_TRUE(selection.set("a", &object));
  EXPECT_FALSE(selection.set("a", &object));
  EXPECT_TRUE(selection.set("a", nullptr));
  EXPECT_FALSE(selection.set("a", nullptr));
}

}  // namespace
}  // namespace portico::translate
