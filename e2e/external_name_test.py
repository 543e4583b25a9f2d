"""Services that are a name outside the cluster: names of /etc/hosts, and of a DNS server of the tests' own."""

import backends
import dns_server
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


@pytest.fixture
def server():
    with dns_server.DnsServer() as server:
        yield server


def test_a_name_is_asked_for_again_as_its_ttl_ends(folder, server):
    # The same port at two addresses: a Service of type ExternalName has one port for whatever its name points to.
    with backends.Echo("old") as old, backends.Echo("new", listen=f"127.0.0.2:{old.port}"):
        server.records["db.example"] = "127.0.0.1"
        folder.write("service.yaml", external_name("db", "DB.example.", old.port))
        folder.write("ingress.yaml", ingress("db", rule("db.test", path("/", "db", port=old.port))))
        with portico.Portico(folder, variables=server.environment) as program:
            portico.eventually(lambda: wire.pod(program.http, "db.test") == "old", what="the name's address")
            server.records["db.example"] = "127.0.0.2"
            portico.eventually(lambda: wire.pod(program.http, "db.test") == "new", what="the name's new address")


def test_a_name_without_an_address_is_a_finding_until_it_has_one(folder, server, echo):
    folder.write("service.yaml", external_name("db", "db.example", echo.port))
    folder.write("ingress.yaml", ingress("db", rule("db.test", path("/", "db", port=echo.port))))
    with portico.Portico(folder, variables=server.environment) as program:
        line = program.wait_for_log(r"can't be resolved")
        assert "service.yaml" in line and "Service default/db: spec.externalName" in line and '"db.example"' in line, line
        assert wire.get(program.http, "db.test").status == 503
        server.records["db.example"] = "127.0.0.1"
        portico.eventually(lambda: wire.pod(program.http, "db.test") == "a", what="the name's address")
