// The rules of one host, from every Ingress that has some.
#pragma once

#include <span>
#include <string>

#include "controller/translate/ingress_record.h"
#include "routing/diagnostic.h"
#include "routing/snapshot.h"

namespace portico::translate {

struct BuiltHost {
  routing::HostSpec spec;
  routing::Diagnostics diagnostics;  // rules that an equal and older one shadows
};

// `records` in any order, each with rules for `host`.
BuiltHost build_host(const std::string& host, bool has_certificate,
                     std::span<const IngressRecord* const> records);

// The record's rules answer 503.
void deny_rules(routing::HostSpec& spec, const IngressRecord& record, const std::string& because);

bool same_host(const routing::HostSpec& a, const routing::HostSpec& b);

}  // namespace portico::translate
