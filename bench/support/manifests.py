"""Writes the manifests that Portico is started on, one file to an object."""

import base64
import os

INGRESS = """\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {name}
  namespace: bench
{annotations}spec:
  ingressClassName: portico
{tls}  rules:
  - host: {host}
    http:
      paths:
      - path: /
        pathType: Prefix
        backend:
          service:
            name: {service}
            port:
              number: 80
"""

INGRESS_CLASS = """\
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata:
  name: portico
spec:
  controller: portico.dev/ingress-controller
"""

# No connection of a client is ended by the number of its requests, as with nginx's
# keepalive_requests in peers.py.
CONFIG_MAP_NAME = "bench/portico"
CONFIG_MAP = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: portico
  namespace: bench
data:
  keep-alive-requests: "1000000000"
"""

SERVICE = """\
apiVersion: v1
kind: Service
metadata:
  name: {name}
  namespace: bench
spec:
  ports:
  - name: http
    port: 80
    targetPort: 8080
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: {name}-1
  namespace: bench
  labels:
    kubernetes.io/service-name: {name}
addressType: IPv4
ports:
- name: http
  port: {port}
endpoints:
- addresses:
  - {address}
  conditions:
    ready: true
"""

SECRET = """\
apiVersion: v1
kind: Secret
metadata:
  name: {name}
  namespace: bench
type: {type}
data:
  {certificate_field}: {certificate}
  {key_field}: {key}
"""


def ingress(name, host, service, secret=None, annotations=None):
    lines = "".join(f'    {key}: "{value}"\n' for key, value in (annotations or {}).items())
    return INGRESS.format(
        name=name, host=host, service=service,
        annotations=f"  annotations:\n{lines}" if lines else "",
        tls=f"  tls:\n  - hosts:\n    - {host}\n    secretName: {secret}\n" if secret else "")


def service(name, port, address="127.0.0.1"):
    return SERVICE.format(name=name, port=port, address=address)


def tls_secret(name, certificate, key):
    return SECRET.format(name=name, type="kubernetes.io/tls", certificate_field="tls.crt",
                         certificate=certificate, key_field="tls.key", key=key)


def tls_secret_of_files(name, certificate, key):
    encoded = []
    for path in (certificate, key):
        with open(path, "rb") as file:
            encoded.append(base64.b64encode(file.read()).decode())
    return tls_secret(name, *encoded)


def opaque_secret(name, certificate, key):
    """The same bytes to read, and nothing to do with them."""
    return SECRET.format(name=name, type="Opaque", certificate_field="one.crt",
                         certificate=certificate, key_field="one.key", key=key)


class Folder:
    """A manifest folder; files appear whole, by renaming, as an editor or a sync tool leaves them."""

    def __init__(self, path):
        self.path = path
        os.makedirs(path)
        self.write("class", INGRESS_CLASS)
        self.write("settings", CONFIG_MAP)

    def write(self, name, text):
        self.prepare(name, text)()

    def prepare(self, name, text):
        """Writes under a hidden name; calling what is returned moves the file into place."""
        hidden = os.path.join(self.path, f".{name}.tmp")
        with open(hidden, "w", encoding="ascii") as file:
            file.write(text)
        target = os.path.join(self.path, f"{name}.yaml")
        return lambda: os.rename(hidden, target)
