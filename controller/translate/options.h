// What the command line says about translation.
#pragma once

#include <cstdint>
#include <string>

namespace portico::translate {

struct ClassOptions {
  std::string ingress_class = "portico";                            // --ingress-class
  std::string controller_class = "portico.dev/ingress-controller";  // --controller-class
  bool watch_ingress_without_class = false;                         // --watch-ingress-without-class
  bool ingress_class_by_name = false;                               // --ingress-class-by-name
  // A folder of manifests without any IngressClass: an Ingress that names no class is served.
  bool classless_folder = true;
};

// Where this replica runs, as Kubernetes names it; "" not known.
struct Location {
  std::string zone;  // --zone: the node's topology.kubernetes.io/zone
  std::string node;  // --node-name
};

struct Options {
  ClassOptions classes;
  std::string default_backend_service;  // "namespace/name" or "namespace/name:port", nothing else;
                                        // "" none
  std::string config_map;          // "namespace/name" of the defaults for all Ingresses; "" none
  std::string ticket_keys_secret;  // "namespace/name"; "" each replica has keys of its own
  std::string default_ssl_certificate;  // "namespace/name" of a Secret; "" self-signed
  Location location;
  bool ssl_passthrough = false;  // --enable-ssl-passthrough
  // `portico check`: objects of other controllers' classes are worth a word, every certificate is
  // read.
  bool checking = false;
};

}  // namespace portico::translate
