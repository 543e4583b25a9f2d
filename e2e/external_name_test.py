"""Services that are a name outside the cluster. Names are those of /etc/hosts: no DNS server is asked here, the tests of
controller/kube have one of their own."""

import portico
import pytest
import wire
from manifests import ingress, path, rule, service


def external_name(name, target, port):
    return service(name) | {"spec": {"type": "ExternalName", "externalName": target, "ports": [{"name": "http", "port": port}]}}


@pytest.fixture
def site(folder, echo):
    folder.write("services.yaml", external_name("near", "localhost", echo.port), external_name("lost", "lost.invalid", 80))
    rules = rule("near.test", path("/", "near", port=echo.port)), rule("lost.test", path("/", "lost"))
    return folder.write("ingress.yaml", ingress("names", *rules))


def test_a_name_is_resolved_and_served(site):
    with portico.Portico(site) as program:
        portico.eventually(lambda: wire.pod(program.http, "near.test") == "a", what="the name's address")


def test_a_name_that_has_no_address_is_503_and_delays_nobody(site):
    with portico.Portico(site) as program:
        assert wire.get(program.http, "lost.test").status == 503
        portico.eventually(lambda: wire.pod(program.http, "near.test") == "a", what="the other name's address")


def test_a_name_may_become_an_ordinary_service(site, echo):
    with portico.Portico(site) as program:
        portico.eventually(lambda: wire.pod(program.http, "near.test") == "a", what="the name's address")
        site.write("services.yaml", service("near", port=echo.port))
        portico.eventually(lambda: wire.get(program.http, "near.test").status == 503, what="a Service without endpoints")
