// Which Ingresses are ours.
//
//   spec.ingressClassName: X         ours where the IngressClass X has our controller, or where X
//   is --ingress-class and
//                                    no such object exists (or --ingress-class-by-name is set)
//   kubernetes.io/ingress.class: X   the old annotation, where the field is absent: ours where X is
//   --ingress-class or
//                                    names an IngressClass of ours
//   neither                          ours where an IngressClass of ours is the default, with
//                                    --watch-ingress-without-class, and in a folder without any
//                                    IngressClass
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "controller/kube/objects.h"
#include "controller/translate/options.h"
#include "routing/diagnostic.h"

namespace portico::translate {

struct ClassFinding {
  routing::Severity severity = routing::Severity::kInfo;
  std::string field;
  std::string message;
  std::string fix;
};

struct ClassDecision {
  bool ours = false;
  std::optional<ClassFinding> finding;
};

// The IngressClasses there are.
class ClassSelection {
 public:
  explicit ClassSelection(ClassOptions options) : options_(std::move(options)) {}

  // Null: deleted. True where a decision may have changed.
  bool set(const std::string& name, const kube::IngressClass* object);

  [[nodiscard]] ClassDecision decide(const kube::Ingress& ingress) const;

 private:
  struct Class {
    std::string controller;
    bool is_default = false;
    bool operator==(const Class&) const = default;
  };

  [[nodiscard]] ClassDecision by_field(const std::string& name) const;
  [[nodiscard]] ClassDecision by_annotation(const std::string& name) const;
  [[nodiscard]] ClassDecision without_class() const;
  [[nodiscard]] bool has_our_controller(const std::string& name) const;

  ClassOptions options_;
  std::map<std::string, Class> classes_;
};

}  // namespace portico::translate
