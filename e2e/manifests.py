"""Kubernetes objects as dicts, and folders of them as Portico reads them (JSON is YAML too)."""

import json
import pathlib

CLASS = "portico"
CONTROLLER = "portico.dev/ingress-controller"


def metadata(name, namespace=None, created=None, annotations=None):
    meta = {"name": name}
    if namespace:
        meta["namespace"] = namespace
    if created:
        meta["creationTimestamp"] = created
    if annotations:
        meta["annotations"] = annotations
    return meta


def ingress_class(name=CLASS, controller=CONTROLLER, default=False):
    annotations = {"ingressclass.kubernetes.io/is-default-class": "true"} if default else None
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "IngressClass",
        "metadata": metadata(name, annotations=annotations),
        "spec": {"controller": controller},
    }


def backend(service, port=80):
    return {"service": {"name": service, "port": {"name": port} if isinstance(port, str) else {"number": port}}}


def path(value, service, kind="Prefix", port=80):
    return {"path": value, "pathType": kind, "backend": backend(service, port)}


def rule(host, *paths):
    body = {"http": {"paths": list(paths)}}
    return {"host": host} | body if host else body


def ingress(name, *rules, namespace="default", class_name=CLASS, created=None, annotations=None, tls=None, default=None):
    """`tls`: {secret: [hosts]}; `default`: the Service of the default backend; annotations without their prefix."""
    prefixed = {
        key if "/" in key else f"nginx.ingress.kubernetes.io/{key}": value for key, value in (annotations or {}).items()
    }
    spec = {}
    if class_name:
        spec["ingressClassName"] = class_name
    if rules:
        spec["rules"] = list(rules)
    if default:
        spec["defaultBackend"] = backend(default)
    if tls:
        spec["tls"] = [{"secretName": secret} | ({"hosts": hosts} if hosts else {}) for secret, hosts in tls.items()]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": metadata(name, namespace, created, prefixed),
        "spec": spec,
    }


def service(name, namespace="default", port=80, port_name="http", annotations=None, **spec):
    ports = [{"name": port_name, "port": port, "targetPort": 8080, "protocol": "TCP"}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(name, namespace, annotations=annotations),
        "spec": {"ports": ports} | spec,
    }


def config_map(name, namespace="default", **data):
    """`data`: dashes for underscores."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(name, namespace),
        "data": {key.replace("_", "-"): value for key, value in data.items()},
    }


def endpoint_slice(service_name, target_port, number=1, namespace="default", port_name="http", address="127.0.0.1", **conditions):
    endpoint = {"addresses": [address]}
    if conditions:
        endpoint["conditions"] = conditions
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": metadata(f"{service_name}-{number}", namespace)
        | {"labels": {"kubernetes.io/service-name": service_name}},
        "addressType": "IPv4",
        "endpoints": [endpoint],
        "ports": [{"name": port_name, "port": target_port, "protocol": "TCP"}],
    }


def served(name, *target_ports, namespace="default"):
    """A Service with one endpoint a port, each in a slice of its own, because a slice has one port for all."""
    slices = [endpoint_slice(name, port, number, namespace) for number, port in enumerate(target_ports, 1)]
    return [service(name, namespace), *slices]


def tls_secret(name, pair, namespace="default"):
    """`pair`: a certificates.Pair."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": metadata(name, namespace),
        "stringData": {"tls.crt": pair.certificate, "tls.key": pair.key},
    }


class Folder:
    """A manifest folder. Files change by rename, as editors and kubectl-like tools do it."""

    def __init__(self, root):
        self.path = pathlib.Path(root)
        self.path.mkdir(parents=True, exist_ok=True)

    def write(self, name, *objects):
        self.write_text(name, "\n---\n".join(json.dumps(one, indent=1) for one in objects) + "\n")
        return self

    def write_text(self, name, text):
        hidden = self.path / f".{name}.new"
        hidden.write_text(text)
        hidden.rename(self.path / name)
        return self

    def remove(self, name):
        (self.path / name).unlink()

    def __fspath__(self):
        return str(self.path)

    def __str__(self):
        return str(self.path)
