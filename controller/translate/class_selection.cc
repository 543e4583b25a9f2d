#include "controller/translate/class_selection.h"

#include <algorithm>

#include <fmt/format.h>

namespace portico::translate {
namespace {

using routing::Severity;

constexpr const char* kAnnotation = "kubernetes.io/ingress.class";
constexpr const char* kAnnotationField = "metadata.annotations[kubernetes.io/ingress.class]";

}  // namespace

bool ClassSelection::set(const std::string& name, const kube::IngressClass* object) {
  const auto found = classes_.find(name);
  if (object == nullptr) {
    if (found == classes_.end()) {
      return false;
    }
    classes_.erase(found);
    return true;
  }
  const Class now{object->controller, object->is_default()};
  if (found != classes_.end() && found->second == now) {
    return false;
  }
  classes_.insert_or_assign(name, now);
  return true;
}

bool ClassSelection::has_our_controller(const std::string& name) const {
  const auto found = classes_.find(name);
  return found != classes_.end() && found->second.controller == options_.controller_class;
}

ClassDecision ClassSelection::decide(const kube::Ingress& ingress) const {
  if (ingress.class_name.has_value() && !ingress.class_name->empty()) {
    return by_field(*ingress.class_name);
  }
  const auto annotation = ingress.meta.annotations.find(kAnnotation);
  if (annotation != ingress.meta.annotations.end() && !annotation->second.empty()) {
    return by_annotation(annotation->second);
  }
  return without_class();
}

ClassDecision ClassSelection::by_field(const std::string& name) const {
  if (has_our_controller(name)) {
    return {.ours = true};
  }
  const auto found = classes_.find(name);
  const bool named_like_ours = name == options_.ingress_class;
  if (named_like_ours && (found == classes_.end() || options_.ingress_class_by_name)) {
    return {.ours = true};
  }
  if (found != classes_.end()) {
    return {
        .ours = false,
        .finding = ClassFinding{Severity::kInfo, "spec.ingressClassName",
                                fmt::format("class \"{}\" belongs to controller \"{}\": not served",
                                            name, found->second.controller),
                                ""}};
  }
  return {
      .ours = false,
      .finding = ClassFinding{Severity::kError, "spec.ingressClassName",
                              fmt::format("no IngressClass named \"{}\": not served", name),
                              fmt::format("name an IngressClass with controller \"{}\", or \"{}\"",
                                          options_.controller_class, options_.ingress_class)}};
}

ClassDecision ClassSelection::by_annotation(const std::string& name) const {
  if (name == options_.ingress_class || has_our_controller(name)) {
    return {.ours = true};
  }
  if (classes_.contains(name)) {
    return {.ours = false,
            .finding = ClassFinding{
                Severity::kInfo, kAnnotationField,
                fmt::format("class \"{}\" belongs to another controller: not served", name), ""}};
  }
  // The annotation needs no object: another controller may know the name.
  return {
      .ours = false,
      .finding = ClassFinding{
          Severity::kWarning, kAnnotationField,
          fmt::format("class \"{}\" is not \"{}\" and no IngressClass has that name: not served",
                      name, options_.ingress_class),
          fmt::format("use spec.ingressClassName: {}", options_.ingress_class)}};
}

ClassDecision ClassSelection::without_class() const {
  if (options_.watch_ingress_without_class || (options_.classless_folder && classes_.empty())) {
    return {.ours = true};
  }
  const bool has_default = std::ranges::any_of(classes_, [this](const auto& entry) {
    return entry.second.is_default && entry.second.controller == options_.controller_class;
  });
  if (has_default) {
    return {.ours = true};
  }
  return {.ours = false,
          .finding =
              ClassFinding{Severity::kInfo, "spec.ingressClassName",
                           "names no class, and no IngressClass of ours is the default: not served",
                           fmt::format("set spec.ingressClassName: {}", options_.ingress_class)}};
}

}  // namespace portico::translate
