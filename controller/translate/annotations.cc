#include "controller/translate/annotations.h"

#include <algorithm>
#include <unordered_map>

#include <fmt/format.h>

#include "controller/kube/nearest_name.h"
#include "controller/translate/annotation_values.h"
#include "controller/translate/balance_asks.h"

namespace portico::translate {
namespace {

using routing::Severity;

bool guards(const AnnotationRow& row, std::string_view value) {
  if (!row.harmless.empty() && value == row.harmless) {
    return false;
  }
  return row.guards_access == Guard::kYes ||
         (row.guards_access == Guard::kByValue && snippet_guards_access(value));
}

class Reader {
 public:
  explicit Reader(const routing::Policy& defaults) : built_in_(defaults == routing::Policy()) {
    reading_.policy = defaults;
    reading_.backend.service_upstream = defaults.service_upstream;
  }

  void read(std::string_view prefix, std::string_view name, std::string_view value) {
    const auto* row = find_annotation(name);
    if (row == nullptr) {
      unknown(prefix, name, value);
      return;
    }
    if (row->support == Support::kServed) {
      served(prefix, *row, value);
      return;
    }
    if (guards(*row, value)) {
      deny(prefix, *row, value);
      return;
    }
    if (row->harmless.empty() || value != row->harmless) {
      not_served(prefix, *row, value);
    }
  }

  AnnotationReading take() {
    const auto spread = settle(reading_.backend);
    for (const auto* asked : spread.idle) {
      add(Severity::kWarning, asked->prefix, asked->row->name,
          fmt::format("{} has no effect without `{}`", quoted_value(asked->value),
                      asked->row->needs),
          fmt::format("add the annotation {}, or remove this one", refined_by(*asked->row)));
      reading_.findings.back().idle = asked->row;
    }
    add_canary_findings();
    return std::move(reading_);
  }

 private:
  struct Given {
    std::string_view prefix;
    const AnnotationRow* row;
    std::string_view value;
  };

  void add(Severity severity, std::string_view prefix, std::string_view name, std::string message,
           std::string fix) {
    reading_.findings.push_back(
        {severity, fmt::format("{}{}", prefix, name), std::move(message), std::move(fix)});
  }

  void served(std::string_view prefix, const AnnotationRow& row, std::string_view value) {
    if (row.read_tls != nullptr) {
      served_tls(prefix, row, value);
      return;
    }
    if (row.read_canary != nullptr) {
      served_canary(prefix, row, value);
      return;
    }
    const auto done =
        row.read_wish != nullptr ? ask(prefix, row, trim(value)) : row.read(value, reading_.policy);
    if (done) {
      return;
    }
    if (row.guards_access == Guard::kYes) {
      deny_unreadable(prefix, row, value, done.error());
      return;
    }
    add(Severity::kError, prefix, row.name,
        fmt::format("{} is not {}", quoted_value(value), done.error()),
        row.for_services ? "correct the value; until then it counts as not given"
        : built_in_      ? fmt::format("correct the value; until then the default, {}, is in force",
                                       row.default_value)
                         : "correct the value; until then the default is in force");
  }

  WishResult ask(std::string_view prefix, const AnnotationRow& row, std::string_view value) {
    if (!row.for_services) {
      return row.read_wish(value, reading_.backend);
    }
    auto done = check_asked(row, value);
    if (done) {
      reading_.backend.asked.push_back({&row, std::string(value), prefix});
    }
    return done;
  }

  void served_canary(std::string_view prefix, const AnnotationRow& row, std::string_view value) {
    if (const auto done = row.read_canary(trim(value), reading_.canary); !done) {
      add(Severity::kError, prefix, row.name,
          fmt::format("{} is not {}", quoted_value(value), done.error()),
          fmt::format("correct the value; until then {}",
                      reading_.canary.rule.header_is_unreadable && row.name.contains("header-")
                          ? "requests with the header go to the main backend"
                          : "it counts as not given"));
      return;
    }
    of_canary_.push_back({prefix, &row, value});
  }

  void add_canary_findings() {
    const bool is_canary = reading_.canary.is_canary;
    for (const auto& problem : settle_canary(reading_.canary)) {
      const auto given = std::ranges::find(of_canary_, problem.annotation,
                                           [](const Given& one) { return one.row->name; });
      if (is_canary && given != of_canary_.end()) {
        add(Severity::kWarning, given->prefix, given->row->name, problem.message, problem.fix);
      }
    }
    for (const auto& given : of_canary_) {
      if (!is_canary && given.row->name != "canary" && given.value != given.row->harmless) {
        add(Severity::kWarning, given.prefix, given.row->name,
            fmt::format("{} has no effect without `canary: \"true\"`", quoted_value(given.value)),
            "add the annotation canary, or remove this one");
      }
    }
  }

  // What guards and can't be understood closes.
  void deny_unreadable(std::string_view prefix, const AnnotationRow& row, std::string_view value,
                       std::string_view wanted) {
    if (reading_.policy.denied_because.empty()) {
      reading_.policy.denied_because =
          fmt::format("annotation {}{} can't be understood", prefix, row.name);
    }
    add(Severity::kError, prefix, row.name,
        fmt::format("{} is not {}: the routes of this Ingress answer 503", quoted_value(value),
                    wanted),
        "correct the value");
  }

  void served_tls(std::string_view prefix, const AnnotationRow& row, std::string_view value) {
    reading_.tls.is_given = true;
    const bool was_refused = !reading_.tls.tls.refused_because.empty();
    if (const auto done = row.read_tls(trim(value), reading_.tls); !done) {
      const bool closes = !was_refused && !reading_.tls.tls.refused_because.empty();
      add(Severity::kError, prefix, row.name,
          fmt::format("{} is not {}{}", quoted_value(value), done.error(),
                      closes ? ": all requests for its hosts answer 403" : ""),
          closes ? "correct the value"
          : row.default_value.empty()
              ? "correct the value; until then it counts as not given"
              : fmt::format("correct the value; until then {} is in force", row.default_value));
    }
  }

  void deny(std::string_view prefix, const AnnotationRow& row, std::string_view value) {
    const auto reason = fmt::format("annotation {}{} guards access and is not served{}", prefix,
                                    row.name, row.support == Support::kNotYet ? " yet" : "");
    if (reading_.policy.denied_because.empty()) {
      reading_.policy.denied_because = reason;
    }
    const bool whole_host = row.scope == Scope::kHost;
    if (whole_host && reading_.host_denied_because.empty()) {
      reading_.host_denied_because = reason;
    }
    add(Severity::kError, prefix, row.name,
        fmt::format("{} guards access and is not served{}: {} answer 503", quoted_value(value),
                    row.support == Support::kNotYet ? " yet" : "",
                    whole_host ? "all routes of its hosts" : "the routes of this Ingress"),
        "remove the annotation only if these routes may be open to everybody");
  }

  void not_served(std::string_view prefix, const AnnotationRow& row, std::string_view value) {
    switch (row.support) {
      case Support::kNotYet:
        add(Severity::kWarning, prefix, row.name,
            fmt::format("{} has no effect: it is not served yet", quoted_value(value)), "");
        return;
      case Support::kNever:
        add(Severity::kWarning, prefix, row.name,
            fmt::format("{} has no effect and never will: {}", quoted_value(value), row.meaning),
            "remove the annotation");
        return;
      case Support::kRemoved:
        add(Severity::kWarning, prefix, row.name,
            fmt::format("{} has no effect: {}", quoted_value(value), row.meaning),
            "remove the annotation");
        return;
      case Support::kServed:
        return;
    }
  }

  void unknown(std::string_view prefix, std::string_view name, std::string_view value) {
    const auto nearest = nearest_annotation(name);
    add(Severity::kWarning, prefix, name,
        fmt::format("no annotation is named \"{}\" (its value is {})", name, quoted_value(value)),
        nearest ? fmt::format("did you mean \"{}\"?", *nearest)
                : std::string("remove the annotation"));
  }

  const bool built_in_;  // the defaults are those of the table
  AnnotationReading reading_;
  std::vector<Given> of_canary_;  // that could be read
};

}  // namespace

std::string_view refined_by(const AnnotationRow& row) {
  return row.needs.substr(0, row.needs.find(':'));
}

const AnnotationRow* find_annotation(std::string_view name) {
  static const auto kIndex = [] {
    std::unordered_map<std::string_view, const AnnotationRow*> index;
    for (const auto& row : annotation_table()) {
      index.emplace(row.name, &row);
    }
    return index;
  }();
  const auto found = kIndex.find(name);
  return found == kIndex.end() ? nullptr : found->second;
}

std::optional<std::string_view> nearest_annotation(std::string_view name) {
  static const auto kNames = [] {
    std::vector<std::string_view> names;
    for (const auto& row : annotation_table()) {
      names.push_back(row.name);
    }
    return names;
  }();
  return kube::nearest_name(name, kNames);
}

AnnotationReading read_annotations(
    const std::map<std::string, std::string, std::less<>>& annotations,
    const routing::Policy& defaults) {
  Reader reader(defaults);
  for (auto entry = annotations.lower_bound(kNginxPrefix);
       entry != annotations.end() && entry->first.starts_with(kNginxPrefix); ++entry) {
    const auto name = std::string_view(entry->first).substr(kNginxPrefix.size());
    if (annotations.contains(std::string(kPorticoPrefix).append(name))) {
      continue;  // the other prefix wins
    }
    reader.read(kNginxPrefix, name, entry->second);
  }
  for (auto entry = annotations.lower_bound(kPorticoPrefix);
       entry != annotations.end() && entry->first.starts_with(kPorticoPrefix); ++entry) {
    reader.read(kPorticoPrefix, std::string_view(entry->first).substr(kPorticoPrefix.size()),
                entry->second);
  }
  return reader.take();
}

}  // namespace portico::translate
