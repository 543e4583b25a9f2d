#include <charconv>
#include <chrono>

#include <fmt/format.h>

#include "controller/kube/decode_kinds.h"

namespace portico::kube {
namespace {

// kubectl keeps the whole manifest there: it would double what an object costs.
constexpr std::string_view kLastApplied = "kubectl.kubernetes.io/last-applied-configuration";

bool digits(std::string_view text, std::size_t pos, std::size_t size, int& out) {
  const char* begin = text.data() + pos;
  auto [end, error] = std::from_chars(begin, begin + size, out);
  return error == std::errc() && end == begin + size && out >= 0;
}

// "2024-05-31T08:15:30Z", the only form the API server writes.
std::optional<std::int64_t> parse_time(std::string_view text) {
  constexpr std::string_view kForm = "0000-00-00T00:00:00Z";
  if (text.size() != kForm.size()) {
    return std::nullopt;
  }
  for (std::size_t i = 0; i < kForm.size(); ++i) {
    if (kForm[i] != '0' && text[i] != kForm[i]) {
      return std::nullopt;
    }
  }
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  if (!digits(text, 0, 4, year) || !digits(text, 5, 2, month) || !digits(text, 8, 2, day) ||
      !digits(text, 11, 2, hour) || !digits(text, 14, 2, minute) || !digits(text, 17, 2, second)) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) {
    return std::nullopt;
  }
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return ((days * 24 + hour) * 60 + minute) * 60 + second;
}

void read_created(FieldReader& reader, const At& at, Metadata& meta) {
  std::string text;
  reader.string(at, text);
  if (const auto seconds = parse_time(text)) {
    meta.created_unix_seconds = *seconds;
  } else if (!text.empty()) {
    reader.error(at, fmt::format("is not a time like 2024-05-31T08:15:30Z: {}", quoted(text)));
  }
}

void read_annotations(FieldReader& reader, const At& at, Metadata& meta) {
  reader.string_map(at, meta.annotations);
  meta.annotations.erase(std::string(kLastApplied));
}

// RFC 1123's names, as the API server demands: lower-case letters, digits, `-`, and `.` where
// allowed.
void check_name(FieldReader& reader, const At& at, std::string_view name, bool dots) {
  const std::string_view allowed =
      dots ? "abcdefghijklmnopqrstuvwxyz0123456789-." : "abcdefghijklmnopqrstuvwxyz0123456789-";
  const std::size_t longest = dots ? 253 : 63;
  if (name.find_first_not_of(allowed) != std::string_view::npos || name.size() > longest ||
      name.starts_with('-') || name.ends_with('-')) {
    reader.error(at, fmt::format("{} is not a valid name", quoted(name)),
                 "use lower-case letters, digits and '-'");
  }
}

constexpr Field<Metadata> kFields[] = {
    {"name", read_string<&Metadata::name>},
    {"namespace", read_string<&Metadata::namespace_>},
    {"annotations", read_annotations},
    {"labels", [](FieldReader& r, const At& at, Metadata& m) { r.string_map(at, m.labels); }},
    {"creationTimestamp", read_created},
    {"resourceVersion", read_string<&Metadata::resource_version>},
    {"uid", read_string<&Metadata::uid>},
    {"generateName"},
    {"generation"},
    {"selfLink"},
    {"finalizers"},
    {"ownerReferences"},
    {"managedFields"},
    {"deletionTimestamp"},
    {"deletionGracePeriodSeconds"},
};

constexpr Field<Namespace> kNamespaceFields[] = {
    {"apiVersion"}, {"kind"}, {"metadata", read_meta<Namespace>}, {"spec"}, {"status"},
};

}  // namespace

void read_root(FieldReader& reader, const At& root, Namespace& out) {
  reader.map<Namespace>(root, kNamespaceFields, out);
}

void read_metadata(FieldReader& reader, const At& at, Metadata& meta) {
  reader.map<Metadata>(at, kFields, meta);
  reader.require(at, "name");
  check_name(reader, at.member("name"), meta.name, true);
  check_name(reader, at.member("namespace"), meta.namespace_, false);
}

}  // namespace portico::kube
