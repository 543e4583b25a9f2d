// Annotations of an Ingress: one table of every name, and its reader.
//
// A name counts under two prefixes, `nginx.ingress.kubernetes.io/` and `portico.dev/`; where both
// are given the second wins. The documentation page and the linter are printed from the same table.
#pragma once

#include <expected>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controller/translate/backend_wish.h"
#include "controller/translate/canary_values.h"
#include "controller/translate/host_tls_reading.h"
#include "routing/diagnostic.h"
#include "routing/policy.h"

namespace portico::translate {

inline constexpr std::string_view kNginxPrefix = "nginx.ingress.kubernetes.io/";
inline constexpr std::string_view kPorticoPrefix = "portico.dev/";

enum class Support : std::uint8_t {
  kServed,
  kNotYet,
  kNever,    // rests on nginx itself
  kRemoved,  // ingress-nginx no longer reads it, or never did
};

enum class Scope : std::uint8_t { kPath, kIngress, kHost };

// Whether ignoring the annotation would open what it closes.
enum class Guard : std::uint8_t {
  kNo,
  kYes,
  kByValue,  // nginx text: only where it holds an access directive
};

// Reads `value` into `policy`, or says what the value must be.
using ReadValue = std::expected<void, std::string_view> (*)(std::string_view value,
                                                            routing::Policy& policy);

// The same into how backends are talked to.
using ReadWish = WishResult (*)(std::string_view value, BackendWish& wish);

struct AnnotationRow {
  std::string_view name;
  Support support = Support::kNotYet;
  Scope scope = Scope::kPath;
  Guard guards_access = Guard::kNo;
  ReadValue read = nullptr;  // of served ones
  std::string_view field;    // of routing::Policy
  std::string_view default_value;
  std::string_view meaning;   // one line; for removed ones, what to do instead
  std::string_view harmless;  // the value that asks for what happens anyway
  ReadHostTls read_tls =
      nullptr;                   // of served ones that are about the host's TLS, instead of `read`
  ReadWish read_wish = nullptr;  // of served ones that are about backends, instead of `read`
  bool for_services = false;     // a Service may have it too; then it has `read_wish`
  // Of one that refines another: what the other must be, and whether it is that.
  std::string_view needs;
  bool (*in_force)(const routing::BalanceSpec& balance) = nullptr;
  ReadCanary read_canary = nullptr;  // of served ones that are about canaries, instead of `read`
};

// Every known name, in the order of the documentation page.
std::span<const AnnotationRow> annotation_table();

// The name of the annotation that `row`, which needs one, refines.
std::string_view refined_by(const AnnotationRow& row);

// By name without prefix; null where unknown.
const AnnotationRow* find_annotation(std::string_view name);

// The known name that looks most like `name`, where one is near enough to be meant.
std::optional<std::string_view> nearest_annotation(std::string_view name);

struct AnnotationFinding {
  routing::Severity severity = routing::Severity::kWarning;
  std::string annotation;  // with its prefix
  std::string message;
  std::string fix;
  // Not null: it refines what this Ingress does not ask for, but its Services may.
  const AnnotationRow* idle = nullptr;
};

struct AnnotationReading {
  // What no annotation sets, or sets badly, is the default's; a guard that can't be honoured fills
  // denied_because.
  routing::Policy policy;
  BackendWish backend;
  // Not empty: the guard protects the whole host, other Ingresses' paths included.
  std::string host_denied_because;
  HostTlsReading tls;
  CanaryReading canary;
  std::vector<AnnotationFinding> findings;
};

AnnotationReading read_annotations(
    const std::map<std::string, std::string, std::less<>>& annotations,
    const routing::Policy& defaults = {});

}  // namespace portico::translate
