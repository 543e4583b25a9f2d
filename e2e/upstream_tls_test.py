"""TLS to backends: unverified, verified by a Secret, with a client certificate, and refused."""

import base64
import ssl

import certificates
import portico
import pytest
import wire
from manifests import endpoint_slice, ingress, metadata, path, rule, served, service, tls_secret
from upstream_servers import TlsTeller, server_context

NAME = "web.default.svc"


@pytest.fixture(scope="module")
def authority():
    """(an authority's certificate, the Pair of a server that it signed)"""
    return certificates.issued(NAME)


def secret(name, **entries):
    data = {key.replace("_", "."): base64.b64encode(value.encode()).decode() for key, value in entries.items()}
    return {"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": metadata(name, "default"), "data": data}


def put(folder, port, annotations, *secrets, **service_port):
    served_by = served("web", port)
    served_by[0]["spec"]["ports"][0] |= service_port
    folder.write("web.yaml", *served_by)
    folder.write("ingress.yaml", ingress("web", rule("web.test", path("/", "web")), annotations=annotations))
    if secrets:
        folder.write("secrets.yaml", *secrets)
    return folder


VERIFIED = {"backend-protocol": "HTTPS", "proxy-ssl-secret": "default/backend", "proxy-ssl-verify": "on"}


def test_https_without_more_asks_for_nothing(folder):
    with TlsTeller(server_context(certificates.self_signed("whatever.test"))) as backend:
        put(folder, backend.port, {"backend-protocol": "HTTPS"})
        with portico.Portico(folder) as program:
            facts = wire.get(program.http, "web.test").json()
    assert facts["version"] == "TLSv1.3"
    assert facts["sni"] is None
    assert facts["certificate"] == []


def test_app_protocol_of_the_service_counts(folder):
    with TlsTeller(server_context(certificates.self_signed("whatever.test"))) as backend:
        put(folder, backend.port, {}, appProtocol="https")
        with portico.Portico(folder) as program:
            assert wire.get(program.http, "web.test").status == 200


def test_is_verified_by_the_secret_and_the_services_name(folder, authority):
    with TlsTeller(server_context(authority[1])) as backend:
        put(folder, backend.port, VERIFIED, secret("backend", ca_crt=authority[0]))
        with portico.Portico(folder) as program:
            assert wire.get(program.http, "web.test").status == 200


def refused(folder, pair, annotations, *secrets):
    """The reason in the access log of a request that gets 502."""
    with TlsTeller(server_context(pair)) as backend:
        put(folder, backend.port, annotations, *secrets)
        log = folder.path.parent / "access.log"
        with portico.Portico(folder, "--access-log", "json", "--access-log-path", str(log)) as program:
            assert wire.get(program.http, "web.test").status == 502
        return log.read_text()


def test_another_name_is_refused(folder, authority):
    log = refused(folder, authority[1], VERIFIED | {"proxy-ssl-name": "other.test"}, secret("backend", ca_crt=authority[0]))
    assert f"the certificate is for {NAME}, not for other.test" in log


def test_another_authority_is_refused(folder, authority):
    other = certificates.self_signed("somebody")
    log = refused(folder, authority[1], VERIFIED, secret("backend", ca_crt=other.certificate))
    assert "signed by an unknown authority" in log


def test_verifying_without_an_authority_answers_503(folder, authority):
    with TlsTeller(server_context(authority[1])) as backend:
        put(folder, backend.port, VERIFIED)
        with portico.Portico(folder) as program:
            assert wire.get(program.http, "web.test").status == 503
            program.wait_for_log('there is no Secret "default/backend"')
            folder.write("secrets.yaml", secret("backend", ca_crt=authority[0]))
            portico.eventually(lambda: wire.get(program.http, "web.test").status == 200, what="the Secret")
        assert backend.connections == 1


def test_shows_its_certificate_and_follows_the_secret(folder, authority):
    ours, later = certificates.self_signed("first"), certificates.self_signed("second")
    context = server_context(authority[1], client_ca=ours.certificate + later.certificate)
    with TlsTeller(context) as backend:
        put(folder, backend.port, {"backend-protocol": "HTTPS", "proxy-ssl-secret": "default/own"}, tls_secret("own", ours))
        with portico.Portico(folder) as program:
            with wire.Client(program.http) as client:
                assert client.ask(wire.request("web.test")).json()["certificate"] == ["first"]
                folder.write("secrets.yaml", tls_secret("own", later))
                shown = lambda: client.ask(wire.request("web.test")).json()["certificate"] == ["second"]
                portico.eventually(shown, what="the new certificate")


def test_sends_a_name_where_it_is_asked_to(folder):
    annotations = {"backend-protocol": "HTTPS", "proxy-ssl-server-name": "on", "proxy-ssl-name": "inner.test"}
    with TlsTeller(server_context(certificates.self_signed("whatever.test"))) as backend:
        put(folder, backend.port, annotations)
        with portico.Portico(folder) as program:
            assert wire.get(program.http, "web.test").json()["sni"] == "inner.test"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_resumes_sessions(folder, version):
    context = server_context(certificates.self_signed("whatever.test"), versions=(version, version))
    with TlsTeller(context) as backend:
        put(folder, backend.port, {"backend-protocol": "HTTPS"})
        with portico.Portico(folder) as program:
            assert not wire.get(program.http, "web.test").json()["resumed"]
            backend.close_connections()
            portico.eventually(lambda: wire.get(program.http, "web.test").json()["resumed"], what="a resumed session")


def test_auto_http_speaks_as_the_client_does(folder, echo):
    pair = certificates.self_signed("web.test")
    annotations = {"backend-protocol": "AUTO_HTTP", "ssl-redirect": "false"}
    with TlsTeller(server_context(pair)) as backend:
        put(folder, backend.port, annotations)
        with portico.Portico(folder) as program:
            secure = dict(tls_context=certificates.anything(), tls_name="web.test")
            assert wire.get(program.https, "web.test", **secure).json()["version"] == "TLSv1.3"
            folder.write("web.yaml", service("web"), endpoint_slice("web", echo.port))
            portico.eventually(lambda: wire.get(program.http, "web.test").status == 200, what="plaintext")


def test_a_backend_without_tls_is_502(folder, echo):
    put(folder, echo.port, {"backend-protocol": "HTTPS"})
    with portico.Portico(folder) as program:
        assert wire.get(program.http, "web.test").status == 502
