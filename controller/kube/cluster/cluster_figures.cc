#include "controller/kube/cluster/cluster_figures.h"

#include <algorithm>
#include <iterator>
#include <string_view>

#include <fmt/format.h>

namespace portico::kube {
namespace {

struct Family {
  std::string_view name;
  std::string_view type;
  std::string_view help;
};

// A sample of each kind that is read; `value` gives it.
template <class Value>
void print(std::string& out, const Family& family, const ClusterFigures& figures, Value value) {
  fmt::format_to(std::back_inserter(out), "# HELP {0} {1}\n# TYPE {0} {2}\n", family.name,
                 family.help, family.type);
  for (std::size_t kind = 0; kind < figures.size(); ++kind) {
    if (figures[kind].is_read) {
      fmt::format_to(std::back_inserter(out), "{}{{resource=\"{}\"}} {}\n", family.name,
                     resource_kind(kind).plural, value(figures[kind]));
    }
  }
}

}  // namespace

void add_gone(ClusterFigures& figures, const Reflector& reflector) {
  KindFigures& of = figures.at(reflector.query().kind);
  const Reflector::Tally& more = reflector.tally();
  of.is_read = true;
  of.tally.lists += more.lists;
  of.tally.watches += more.watches;
  of.tally.events += more.events;
  of.tally.failures += more.failures;
  of.tally.heard_at = std::max(of.tally.heard_at, more.heard_at);
}

void add(ClusterFigures& figures, const Reflector& reflector) {
  add_gone(figures, reflector);
  figures.at(reflector.query().kind).objects += reflector.objects().size();
}

std::string to_metrics(const ClusterFigures& figures, Reflector::Time now,
                       std::chrono::system_clock::time_point wall) {
  std::string out;
  print(out, {"portico_kube_objects", "gauge", "Objects of the API server that are held."}, figures,
        [](const KindFigures& of) { return of.objects; });
  print(out, {"portico_kube_lists_total", "counter", "Lists begun."}, figures,
        [](const KindFigures& of) { return of.tally.lists; });
  print(out, {"portico_kube_watches_total", "counter", "Watches begun."}, figures,
        [](const KindFigures& of) { return of.tally.watches; });
  print(out, {"portico_kube_watch_events_total", "counter", "Changes that watches told."}, figures,
        [](const KindFigures& of) { return of.tally.events; });
  print(out,
        {"portico_kube_failures_total", "counter",
         "Lists and watches that were refused, failed or were cut."},
        figures, [](const KindFigures& of) { return of.tally.failures; });
  print(out,
        {"portico_kube_last_heard_timestamp_seconds", "gauge",
         "When the API server last said something of it, if no more than a bookmark; 0: never."},
        figures, [&](const KindFigures& of) {
          const std::chrono::duration<double> age = now - of.tally.heard_at;
          const std::chrono::duration<double> since_epoch = wall.time_since_epoch();
          const bool never = of.tally.heard_at == Reflector::Time{};
          return fmt::format("{:.3f}", never ? 0.0 : (since_epoch - age).count());
        });
  return out;
}

}  // namespace portico::kube
