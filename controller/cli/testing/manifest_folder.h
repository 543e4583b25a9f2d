// Manifests in a folder of their own, for the commands that read some.
#pragma once

#include <string>
#include <string_view>

#include "routing/testing/temp_folder.h"

namespace portico::cli::testing {

// A folder of manifests that goes with its test.
class ManifestFolder {
 public:
  void write(std::string_view name, std::string_view text) { folder_.write(name, text); }
  [[nodiscard]] std::string path() const { return folder_.path().string(); }

 private:
  TempFolder folder_;
};

// Service "web" with an endpoint.
inline constexpr const char* kWeb = R"(apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{port: 8080}]
endpoints: [{addresses: [10.0.0.1]}]
)";

// Uses it, and a Service that is not there.
inline constexpr const char* kIngress = R"(apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  ingressClassName: portico
  rules:
  - host: web.test
    http:
      paths:
      - path: /app
        pathType: Prefix
        backend: {service: {name: web, port: {number: 80}}}
      - path: /app/admin
        pathType: Exact
        backend: {service: {name: nobody, port: {number: 80}}}
)";

}  // namespace portico::cli::testing
