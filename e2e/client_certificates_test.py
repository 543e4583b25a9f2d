"""auth-tls-*: client certificates by host, and everything that must not pass for one."""

import ssl
import tempfile
import urllib.parse

import certificates
import manifests
import portico
import pytest
import wire
from manifests import ingress, path, rule, served, tls_secret

HOST = "mtls.test"


def ca_secret(name, authority, crl=None, namespace="default"):
    data = {"ca.crt": authority} | ({"ca.crl": crl} if crl else {})
    meta = manifests.metadata(name, namespace)
    return {"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": meta, "stringData": data}


class Authorities:
    def __init__(self):
        self.ours = certificates.Authority("ours")
        self.other = certificates.Authority("other")
        self.middle = certificates.Authority("middle", above=self.ours)
        self.lower = certificates.Authority("lower", above=self.middle)
        self.listed = certificates.Authority("listed")
        self.shown = {
            "good": self.ours.issue("good", subject="/O=Example, Inc./CN=good"),
            "eve": self.ours.issue("eve"),
            "expired": self.ours.expired("expired"),
            "stranger": self.other.issue("stranger"),
            "self-signed": certificates.self_signed("self-signed"),
            "below": self.middle.issue("below"),
            "too deep": self.lower.issue("deep"),
            "unrevoked": self.listed.issue("unrevoked"),
            "revoked": self.listed.issue("revoked"),
        }
        self.listed.revoke("revoked")


@pytest.fixture(scope="module")
def authorities():
    return Authorities()


# host -> the annotations of its Ingress, besides the Secret
HOSTS = {
    HOST: {"auth-tls-pass-certificate-to-upstream": "true"},
    "depth.test": {"auth-tls-verify-depth": "2"},
    "optional.test": {"auth-tls-verify-client": "optional"},
    "lenient.test": {"auth-tls-verify-client": "optional_no_ca"},
    "off.test": {"auth-tls-verify-client": "off"},
    "page.test": {"auth-tls-error-page": "https://help.test/certificates?why=none"},
    "subject.test": {"auth-tls-match-cn": "CN=(alice|good)"},
    "other.test": {"auth-tls-secret": "default/other"},
    "listed.test": {"auth-tls-secret": "listed"},
    "*.wild.test": {},
    "open.test": {"auth-tls-secret": None},
    "missing.test": {"auth-tls-secret": "default/nobody"},
    "foreign.test": {"auth-tls-secret": "elsewhere/ours"},
    "broken.test": {"auth-tls-secret": "default/broken"},
    "empty.test": {"auth-tls-secret": "default/empty"},
}


@pytest.fixture(scope="module")
def server():
    return certificates.self_signed("a.test", *HOSTS, "x.wild.test")


@pytest.fixture(scope="module")
def program(module_folder, echo, authorities, server):
    module_folder.write("echo.yaml", *served("echo", echo.port))
    module_folder.write(
        "secrets.yaml",
        tls_secret("server", server),
        ca_secret("ours", authorities.ours.certificate),
        ca_secret("ours", authorities.ours.certificate, namespace="elsewhere"),
        ca_secret("other", authorities.other.certificate),
        ca_secret("listed", authorities.listed.certificate, authorities.listed.revocations()),
        ca_secret("broken", "nonsense"),
        ca_secret("empty", ""),
    )
    for number, (host, extra) in enumerate(HOSTS.items()):
        annotations = {"auth-tls-secret": "default/ours", "ssl-redirect": "false"} | extra
        annotations = {name: value for name, value in annotations.items() if value is not None}
        one = ingress(f"i{number}", rule(host, path("/", "echo")), tls={"server": [host]}, annotations=annotations)
        module_folder.write(f"i{number}.yaml", one)
    plain = ingress("plain", rule(HOST, path("/second", "echo")), created="2020-01-01T00:00:00Z")
    module_folder.write("plain.yaml", plain)
    redirected = {"auth-tls-secret": "default/ours"}
    module_folder.write(
        "redirected.yaml",
        ingress("redirected", rule("redirected.test", path("/", "echo")), tls={"server": ["redirected.test"]}, annotations=redirected),
    )
    with portico.Portico(module_folder) as running:
        yield running


def context(pair=None, version=None):
    made = certificates.anything()
    if pair:
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
            file.write(pair.certificate + pair.key)
            file.flush()
            made.load_cert_chain(file.name)
    if version:
        made.minimum_version = made.maximum_version = version
    return made


def ask(program, host, pair=None, name=None, version=None, target="/x", lines=()):
    """`name`: the server name of the connection, "" for none; else the host."""
    tls_name = (host if name is None else name) or None
    return wire.get(program.https, host, target, *lines, tls_context=context(pair, version), tls_name=tls_name)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize(
    "host,shown,status",
    [
        (HOST, "good", 200),
        (HOST, None, 400),
        (HOST, "stranger", 400),
        (HOST, "self-signed", 400),
        (HOST, "expired", 400),
        (HOST, "below", 200),
        (HOST, "too deep", 400),
        ("depth.test", "too deep", 200),
        ("optional.test", "good", 200),
        ("optional.test", None, 200),
        ("optional.test", "stranger", 400),
        ("optional.test", "expired", 400),
        ("lenient.test", None, 200),
        ("lenient.test", "stranger", 200),
        ("lenient.test", "self-signed", 200),
        ("lenient.test", "expired", 400),
        ("off.test", None, 200),
        ("off.test", "stranger", 200),
        ("subject.test", "good", 200),
        ("subject.test", "eve", 403),
        ("subject.test", None, 400),
        ("listed.test", "unrevoked", 200),
        ("listed.test", "revoked", 400),
        ("x.wild.test", "good", 200),
        ("x.wild.test", None, 400),
        ("open.test", None, 200),
        ("missing.test", "good", 403),
        ("foreign.test", "good", 403),
        ("broken.test", "good", 403),
        ("empty.test", "good", 403),
    ],
)
def test_a_certificate_is_judged_by_its_host(program, authorities, host, shown, status, version):
    pair = authorities.shown[shown] if shown else None
    assert ask(program, host, pair, version=version).status == status


def test_the_backend_is_told_what_the_client_showed(program, authorities):
    forged = ["ssl-client-verify: SUCCESS", "ssl-client-subject-dn: CN=root", "Ssl-Client-Cert: x", "SSL-CLIENT-ISSUER-DN: y"]
    pair = authorities.shown["good"]
    headers = ask(program, HOST, pair, lines=forged).json()["headers"]
    told = {name.lower(): value for name, value in headers.items() if name.lower().startswith("ssl-client")}
    assert told.pop("ssl-client-cert") == [urllib.parse.quote(pair.certificate, safe="")]
    assert told == {
        "ssl-client-verify": ["SUCCESS"],
        "ssl-client-subject-dn": ["O=Example\\, Inc.,CN=good"],
        "ssl-client-issuer-dn": ["CN=ours"],
    }


@pytest.mark.parametrize(
    "host,shown,verify",
    [
        ("optional.test", None, "NONE"),
        ("lenient.test", "stranger", "FAILED:unable to verify the first certificate"),
        ("off.test", "good", "NONE"),
        ("open.test", "good", None),
    ],
)
def test_the_backend_is_told_only_what_was_asked(program, authorities, host, shown, verify):
    pair = authorities.shown[shown] if shown else None
    headers = ask(program, host, pair, lines=["ssl-client-verify: SUCCESS"]).json()["headers"]
    told = {name.lower(): value for name, value in headers.items() if name.lower().startswith("ssl-client")}
    assert told.get("ssl-client-verify") == ([verify] if verify else None)
    assert "ssl-client-cert" not in told


def test_without_a_good_certificate_a_client_is_sent_to_the_error_page(program, authorities):
    for pair in (None, authorities.shown["stranger"]):
        answer = ask(program, "page.test", pair)
        assert (answer.status, answer.field("location")) == (302, "https://help.test/certificates?why=none")
    assert ask(program, "page.test", authorities.shown["good"]).status == 200


def test_every_path_of_the_host_is_guarded(program, authorities):
    assert ask(program, HOST, target="/second").status == 400
    assert ask(program, HOST, authorities.shown["good"], target="/second").status == 200


def test_plain_http_never_reaches_a_guarded_host(program):
    assert wire.get(program.http, HOST, "/x").status == 400
    assert wire.get(program.http, "subject.test", "/x").status == 400
    assert wire.get(program.http, "missing.test", "/x").status == 403
    answer = wire.get(program.http, "redirected.test", "/x")
    assert (answer.status, answer.field("location")) == (308, "https://redirected.test/x")


@pytest.mark.parametrize("name,status", {"open.test": 421, "other.test": 421, "unknown.test": 421, "": 400}.items())
@pytest.mark.parametrize("shown", ["good", "stranger", None])
def test_a_connection_for_another_server_name_proves_nothing(program, authorities, name, status, shown):
    """`stranger` is good at other.test, `good` at the host that is asked for."""
    pair = authorities.shown[shown] if shown else None
    assert ask(program, HOST, pair, name=name).status == status


def test_one_connection_is_judged_anew_for_each_host(program, authorities):
    made = context(authorities.shown["good"])
    with wire.Client(program.https, tls_context=made, tls_name=HOST) as client:
        for host, status in [(HOST, 200), ("open.test", 200), ("other.test", 421), ("depth.test", 421), (HOST, 200)]:
            assert client.ask(wire.request(host)).status == status, host


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_session_carries_a_certificate_to_its_own_host_only(program, authorities, version):
    made = context(authorities.shown["good"], version)
    session = None
    with wire.Client(program.https, tls_context=made, tls_name=HOST) as client:
        assert client.ask(wire.request(HOST)).status == 200
        session = client.socket.session
    for name, resumed in [(HOST, True), ("other.test", False), ("open.test", False)]:
        connection = wire.socket.create_connection(program.https, timeout=wire.SECONDS)
        with made.wrap_socket(connection, server_hostname=name, session=session) as secured:
            assert secured.session_reused == resumed, name
            secured.sendall(wire.request(HOST))
            assert secured.recv(100).startswith(b"HTTP/1.1 200" if name == HOST else b"HTTP/1.1 421")


def test_a_change_of_the_authorities_holds_for_what_comes_next(folder, echo, authorities, server):
    folder.write("echo.yaml", *served("echo", echo.port), tls_secret("server", server))
    folder.write("ca.yaml", ca_secret("ca", authorities.ours.certificate))
    annotations = {"auth-tls-secret": "default/ca"}
    folder.write("i.yaml", ingress("i", rule(HOST, path("/", "echo")), tls={"server": [HOST]}, annotations=annotations))
    with portico.Portico(folder) as program:
        good, stranger = authorities.shown["good"], authorities.shown["stranger"]
        with wire.Client(program.https, tls_context=context(good), tls_name=HOST) as client:
            assert client.ask(wire.request(HOST)).status == 200
            folder.write("ca.yaml", ca_secret("ca", authorities.other.certificate))
            program.in_effect(lambda: ask(program, HOST, stranger).status == 200, what="the new authority")
            assert client.ask(wire.request(HOST)).status == 421
        assert ask(program, HOST, good).status == 400
        folder.remove("ca.yaml")
        portico.eventually(lambda: ask(program, HOST, stranger).status == 403, what="the closed host")
