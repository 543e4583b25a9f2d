#include "controller/status/event_ledger.h"

#include <fmt/format.h>

namespace portico::status {
namespace {

// As long as an API server keeps Events, unless it is told otherwise.
constexpr std::chrono::minutes kEventLife{60};
constexpr std::chrono::minutes kBetweenCounts{5};
// Each write gives an Event its life anew; as often as client-go's recorder does it.
constexpr std::chrono::minutes kBetweenRefreshes{30};
constexpr double kObjectBurst = 25;
constexpr double kObjectPerSecond = 1.0 / 300;

// FNV-1a: the same on every replica and in every version.
class Fingerprint {
 public:
  void add(std::string_view text) {
    for (const char c : text) {
      add(static_cast<unsigned char>(c));
    }
    add(static_cast<unsigned char>(0xff));  // in no UTF-8 text: "ab","c" is not "a","bc"
  }
  [[nodiscard]] std::uint64_t value() const { return value_; }

 private:
  void add(unsigned char byte) { value_ = (value_ ^ byte) * 0x100000001b3ULL; }
  std::uint64_t value_ = 0xcbf29ce484222325ULL;
};

}  // namespace

std::string event_name(const routing::Diagnostic& finding, const EventSubject& subject) {
  Fingerprint print;
  for (const std::string_view part :
       {std::string_view(finding.object.kind), std::string_view(finding.object.namespace_),
        std::string_view(finding.object.name), std::string_view(subject.uid),
        std::string_view(finding.field), std::string_view(finding.message)}) {
    print.add(part);
  }
  // A name of 253 characters at the most, as every object's.
  constexpr std::size_t kMostOfName = 236;
  return fmt::format("{}.{:016x}", finding.object.name.substr(0, kMostOfName), print.value());
}

EventLedger::Decision EventLedger::tell(const std::string& name, const std::string& object,
                                        Time now, Occasion occasion) {
  const bool found = occasion == Occasion::kFound;
  if (auto* told = told_.find(name); told != nullptr && now - told->last_written < kEventLife) {
    const bool is_due = now - told->last_written >= (found ? kBetweenCounts : kBetweenRefreshes);
    told->count += found || is_due ? 1 : 0;
    if (!is_due) {
      return {};
    }
    told->last_written = now;
    return {.what = What::kCount, .count = told->count};
  }
  auto* bucket = of_object_.find(object);
  if (bucket == nullptr) {
    bucket = &of_object_.add(object, TokenBucket(kObjectBurst, kObjectPerSecond));
  }
  if (!bucket->take(now)) {
    return {};
  }
  told_.add(name, {.first = now, .last_written = now});
  return {.what = What::kCreate};
}

int EventLedger::take_over(const std::string& name) {
  auto* told = told_.find(name);
  return told == nullptr ? 2 : ++told->count;
}

}  // namespace portico::status
