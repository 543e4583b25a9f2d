#include "controller/kube/decode_kinds.h"

namespace portico::kube {
namespace {

// targetPort is a number or a name, by its type.
void read_target(FieldReader& reader, const At& at, ServicePort& out) {
  if (at.value.is_scalar() && at.value.scalar_type() == ScalarType::kString) {
    reader.string(at, out.target_port.name);
  } else {
    reader.integer(at, out.target_port.number);
  }
}

constexpr Field<ServicePort> kServicePortFields[] = {
    {"name", read_string<&ServicePort::name>},
    {"protocol", read_string<&ServicePort::protocol>},
    {"port", read_integer<&ServicePort::port>},
    {"targetPort", read_target},
    {"appProtocol", read_string<&ServicePort::app_protocol>},
    {"nodePort"},
};

void read_service_port(FieldReader& reader, const At& at, ServicePort& out) {
  out.protocol = "TCP";
  reader.map<ServicePort>(at, kServicePortFields, out);
  reader.require(at, "port");
}

constexpr Field<Service> kServiceSpecFields[] = {
    {"type", read_string<&Service::type>},
    {"clusterIP", read_string<&Service::cluster_ip>},
    {"externalName", read_string<&Service::external_name>},
    {"ports",
     [](FieldReader& r, const At& at, Service& out) { r.list(at, out.ports, read_service_port); }},
    {"selector"},
    {"clusterIPs"},
    {"externalIPs",
     [](FieldReader& r, const At& at, Service& out) { r.string_list(at, out.external_ips); }},
    {"sessionAffinity", read_string<&Service::session_affinity>},
    {"sessionAffinityConfig"},
    {"loadBalancerIP"},
    {"loadBalancerClass"},
    {"loadBalancerSourceRanges"},
    {"externalTrafficPolicy"},
    {"internalTrafficPolicy"},
    {"trafficDistribution"},
    {"healthCheckNodePort"},
    {"publishNotReadyAddresses"},
    {"allocateLoadBalancerNodePorts"},
    {"ipFamilies"},
    {"ipFamilyPolicy"},
};

constexpr Field<Service> kServiceRootFields[] = {
    {"apiVersion"},
    {"kind"},
    {"metadata", read_meta<Service>},
    {"spec", [](FieldReader& r, const At& at,
                Service& out) { r.map<Service>(at, kServiceSpecFields, out); }},
    {"status", [](FieldReader&, const At& at,
                  Service& out) { read_load_balancer(at.value, out.load_balancer); }},
};

constexpr Field<EndpointConditions> kConditionFields[] = {
    {"ready", read_boolean<&EndpointConditions::ready>},
    {"serving", read_boolean<&EndpointConditions::serving>},
    {"terminating", read_boolean<&EndpointConditions::terminating>},
};

void read_target_ref(FieldReader& /*reader*/, const At& at, SliceEndpoint& out) {
  if (at.value.member_text("kind") == "Pod") {
    out.pod = std::string(at.value.member_text("namespace")) + "/" +
              std::string(at.value.member_text("name"));
  }
}

constexpr Field<std::string> kPlaceFields[] = {
    {"name", [](FieldReader& r, const At& at, std::string& out) { r.string(at, out); }},
};

template <std::vector<std::string> SliceEndpoint::* Places>
void read_places(FieldReader& reader, const At& at, SliceEndpoint& out) {
  reader.list(at, out.*Places, [](FieldReader& r, const At& item, std::string& name) {
    r.map<std::string>(item, kPlaceFields, name);
  });
}

constexpr Field<SliceEndpoint> kHintFields[] = {
    {"forZones", read_places<&SliceEndpoint::for_zones>},
    {"forNodes", read_places<&SliceEndpoint::for_nodes>},
};

constexpr Field<SliceEndpoint> kEndpointFields[] = {
    {"addresses",
     [](FieldReader& r, const At& at, SliceEndpoint& out) { r.string_list(at, out.addresses); }},
    {"conditions",
     [](FieldReader& r, const At& at, SliceEndpoint& out) {
       r.map<EndpointConditions>(at, kConditionFields, out.conditions);
     }},
    {"targetRef", read_target_ref},
    {"nodeName"},
    {"zone"},
    {"hostname"},
    {"hints", [](FieldReader& r, const At& at,
                 SliceEndpoint& out) { r.map<SliceEndpoint>(at, kHintFields, out); }},
    {"deprecatedTopology"},
};

void read_endpoint(FieldReader& reader, const At& at, SliceEndpoint& out) {
  reader.map<SliceEndpoint>(at, kEndpointFields, out);
  reader.require(at, "addresses");
}

constexpr Field<SlicePort> kSlicePortFields[] = {
    {"name", read_string<&SlicePort::name>},
    {"protocol", read_string<&SlicePort::protocol>},
    {"port",
     [](FieldReader& r, const At& at, SlicePort& out) { r.integer(at, out.port.emplace()); }},
    {"appProtocol", read_string<&SlicePort::app_protocol>},
};

void read_slice_port(FieldReader& reader, const At& at, SlicePort& out) {
  out.protocol = "TCP";
  reader.map<SlicePort>(at, kSlicePortFields, out);
}

constexpr Field<EndpointSlice> kSliceFields[] = {
    {"apiVersion"},
    {"kind"},
    {"metadata", read_meta<EndpointSlice>},
    {"addressType", read_string<&EndpointSlice::address_type>},
    {"endpoints", [](FieldReader& r, const At& at,
                     EndpointSlice& out) { r.list(at, out.endpoints, read_endpoint); }},
    {"ports", [](FieldReader& r, const At& at,
                 EndpointSlice& out) { r.list(at, out.ports, read_slice_port); }},
};

}  // namespace

void read_load_balancer(Value status, std::vector<LoadBalancerAddress>& out) {
  const Value addresses = status.find("loadBalancer").find("ingress");
  for (Value address = addresses.first(); address; address = address.next()) {
    out.push_back({.ip = std::string(address.member_text("ip")),
                   .hostname = std::string(address.member_text("hostname"))});
  }
}

void read_root(FieldReader& reader, const At& root, Service& out) {
  out.type = "ClusterIP";
  reader.map<Service>(root, kServiceRootFields, out);
}

void read_root(FieldReader& reader, const At& root, EndpointSlice& out) {
  reader.map<EndpointSlice>(root, kSliceFields, out);
  reader.require(root, "addressType");
  const auto service = out.meta.labels.find("kubernetes.io/service-name");
  if (service != out.meta.labels.end()) {
    out.service = service->second;
  }
}

}  // namespace portico::kube
