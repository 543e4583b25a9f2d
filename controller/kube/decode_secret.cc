#include "controller/kube/base64.h"
#include "controller/kube/decode_kinds.h"
#include "tls/inspect.h"

namespace portico::kube {
namespace {

// Of a Secret only its keys are ever quoted, never a value.
void read_data(FieldReader& reader, const At& at, Secret& out) {
  if (!at.value.is_map()) {
    reader.break_with(at, "must be a map of base64 text");
    return;
  }
  for (Value member = at.value.first(); member; member = member.next()) {
    const At here{&at, member, member.key()};
    if (member.is_null()) {
      out.data.try_emplace(std::string(member.key()));
      continue;
    }
    if (!member.is_scalar()) {
      reader.break_with(here, "must be base64 text");
      continue;
    }
    auto bytes = decode_base64(member.text());
    if (!bytes) {
      reader.break_with(here, "key " + quoted(member.key()) + " does not hold valid base64",
                        "encode it (base64 -w0), or write the text itself under stringData");
      continue;
    }
    out.data.try_emplace(std::string(member.key()), std::move(*bytes));
  }
}

// Laid over `data`, whichever of them comes first in the document.
void lay_string_data(FieldReader& reader, const At& at, Secret& out) {
  if (at.value.is_null()) {
    return;
  }
  if (!at.value.is_map()) {
    reader.break_with(at, "must be a map of text");
    return;
  }
  for (Value member = at.value.first(); member; member = member.next()) {
    const At here{&at, member, member.key()};
    if (!member.is_null() && !member.is_scalar()) {
      reader.break_with(here, "must be text");
      continue;
    }
    if (member.is_scalar() && member.scalar_type() != ScalarType::kString) {
      reader.error(here, "must be text, not a number or boolean", "put it in quotes");
    }
    out.data[std::string(member.key())] = member.text();
  }
}

constexpr Field<Secret> kSecretFields[] = {
    {"apiVersion"},
    {"kind"},
    {"metadata", read_meta<Secret>},
    {"type", read_string<&Secret::type>},
    {"data", read_data},
    {"stringData"},
    {"immutable"},
};

bool holds_pem(const Secret& secret, std::string_view entry) {
  const auto found = secret.data.find(entry);
  return found != secret.data.end() && found->second.find("-----BEGIN ") != std::string::npos;
}

constexpr Field<ConfigMap> kConfigMapFields[] = {
    {"apiVersion"},
    {"kind"},
    {"metadata", read_meta<ConfigMap>},
    {"data", [](FieldReader& r, const At& at, ConfigMap& out) { r.string_map(at, out.data); }},
    {"binaryData"},
    {"immutable"},
};

}  // namespace

bool Secret::operator==(const Secret& other) const {
  const bool same_pair =
      pair == nullptr || other.pair == nullptr ? pair == other.pair : *pair == *other.pair;
  return same_pair && meta == other.meta && type == other.type && data == other.data;
}

void compact_pair(Secret& secret) {
  if (!holds_pem(secret, "tls.crt") || !holds_pem(secret, "tls.key")) {
    return;
  }
  const auto chain = secret.data.extract("tls.crt");
  const auto key = secret.data.extract("tls.key");
  const auto ocsp = secret.data.extract("tls.ocsp");
  secret.pair = std::make_shared<const routing::CertificateSpec>(
      tls::compact({.secret = secret.meta.namespace_ + "/" + secret.meta.name,
                    .chain_pem = std::move(chain.mapped()),
                    .key_pem = std::move(key.mapped()),
                    .ocsp_response = ocsp.empty() ? "" : std::move(ocsp.mapped())}));
}

void read_root(FieldReader& reader, const At& root, Secret& out) {
  reader.map<Secret>(root, kSecretFields, out);
  lay_string_data(reader, root.member("stringData"), out);
  if (out.type.empty()) {
    out.type = "Opaque";
  }
}

void read_root(FieldReader& reader, const At& root, ConfigMap& out) {
  reader.map<ConfigMap>(root, kConfigMapFields, out);
}

}  // namespace portico::kube
