#include "controller/status/lease.h"

#include <boost/json/serialize.hpp>

#include "controller/status/json.h"

namespace portico::status {
namespace {

namespace json = boost::json;

json::object spec_of(const LeaseRecord& record) {
  return {{"holderIdentity", record.holder},
          {"leaseDurationSeconds", record.duration_seconds},
          {"acquireTime", record.acquire_time},
          {"renewTime", record.renew_time},
          {"leaseTransitions", record.transitions}};
}

}  // namespace

std::optional<Lease> read_lease(std::string_view object) {
  const auto lease = parse_json(object);
  if (text(member(lease, "kind")) != "Lease") {
    return std::nullopt;
  }
  const auto& spec = member(lease, "spec");
  return Lease{
      .record = {.holder = text(member(spec, "holderIdentity")),
                 .duration_seconds =
                     static_cast<int>(integer(member(spec, "leaseDurationSeconds"))),
                 .transitions = static_cast<int>(integer(member(spec, "leaseTransitions"))),
                 .acquire_time = text(member(spec, "acquireTime")),
                 .renew_time = text(member(spec, "renewTime"))},
      .object = std::string(object)};
}

std::string replace_record(const Lease& before, const LeaseRecord& record) {
  auto lease = parse_json(before.object);
  if (auto* object = lease.if_object()) {
    (*object)["spec"] = spec_of(record);
  }
  return json::serialize(lease);
}

std::string new_lease(std::string_view namespace_, std::string_view name,
                      const LeaseRecord& record) {
  const json::object lease{
      {"apiVersion", "coordination.k8s.io/v1"},
      {"kind", "Lease"},
      {"metadata", {{"namespace", std::string(namespace_)}, {"name", std::string(name)}}},
      {"spec", spec_of(record)}};
  return json::serialize(lease);
}

}  // namespace portico::status
