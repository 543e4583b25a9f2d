// The readers of each kind's fields. Used by decode.cc and cluster/api_objects.cc only.
#pragma once

#include "controller/kube/field_reader.h"
#include "controller/kube/objects.h"

namespace portico::kube {

void read_metadata(FieldReader& reader, const At& at, Metadata& meta);

// Each reads the root of a document of its kind.
void read_root(FieldReader& reader, const At& root, Ingress& out);
void read_root(FieldReader& reader, const At& root, IngressClass& out);
void read_root(FieldReader& reader, const At& root, Service& out);
void read_root(FieldReader& reader, const At& root, EndpointSlice& out);
void read_root(FieldReader& reader, const At& root, Secret& out);
void read_root(FieldReader& reader, const At& root, ConfigMap& out);
void read_root(FieldReader& reader, const At& root, Namespace& out);

// Of a status only this is of use; what is odd in it is nobody's fault who wrote the object.
void read_load_balancer(Value status, std::vector<LoadBalancerAddress>& out);

// A table's entry for a member that is read by a method of FieldReader.
template <auto Member, class T>
void read_string(FieldReader& reader, const At& at, T& out) {
  reader.string(at, out.*Member);
}
template <auto Member, class T>
void read_integer(FieldReader& reader, const At& at, T& out) {
  reader.integer(at, out.*Member);
}
template <auto Member, class T>
void read_boolean(FieldReader& reader, const At& at, T& out) {
  reader.boolean(at, out.*Member);
}
template <class T>
void read_meta(FieldReader& reader, const At& at, T& out) {
  read_metadata(reader, at, out.meta);
}

}  // namespace portico::kube
