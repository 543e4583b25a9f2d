"""TLS: which certificate, which versions, resumption, redirects, and Secrets that are bad."""

import ssl
import subprocess

import certificates
import manifests
import portico
import pytest
import wire
from manifests import ingress, path, rule, served, tls_secret


def served_certificate(program, name, context=None):
    """The common name of the certificate that a server name gets."""
    with wire.Client(program.https, tls_context=context or certificates.anything(), tls_name=name) as client:
        der = client.socket.getpeercert(binary_form=True)
    text = subprocess.run(
        ["openssl", "x509", "-inform", "der", "-noout", "-subject"], input=der, capture_output=True, check=True
    ).stdout.decode()
    return text.strip().split("CN = ")[-1]


@pytest.fixture(scope="module")
def pairs():
    return {
        "exact": certificates.self_signed("exact.tls.test"),
        "wild": certificates.self_signed("*.tls.test"),
        "rsa": certificates.self_signed("rsa.test", algorithm="rsa"),
        "hostless": certificates.self_signed("hostless.test"),
    }


@pytest.fixture(scope="module")
def program(module_folder, echo, pairs):
    module_folder.write("echo.yaml", *served("echo", echo.port))
    module_folder.write("secrets.yaml", *(tls_secret(name, pair) for name, pair in pairs.items()))
    everywhere = path("/", "echo")
    module_folder.write(
        "ingress.yaml",
        ingress("exact", rule("exact.tls.test", everywhere), tls={"exact": ["exact.tls.test"]}),
        ingress("wild", rule("*.tls.test", everywhere), tls={"wild": ["*.tls.test"]}),
        ingress("rsa", rule("rsa.test", everywhere), tls={"rsa": ["rsa.test"]}, annotations={"ssl-redirect": "false"}),
        ingress("hostless", rule("hostless.test", everywhere), tls={"hostless": []}),
        ingress("plain", rule("plain.test", everywhere)),
        ingress("forced", rule("forced.test", everywhere), annotations={"force-ssl-redirect": "true"}),
    )
    with portico.Portico(module_folder, "--public-https-port", "443") as running:
        yield running


@pytest.mark.parametrize(
    "name,subject",
    {
        "exact.tls.test": "exact.tls.test",
        "EXACT.tls.test": "exact.tls.test",
        "other.tls.test": "*.tls.test",
        "rsa.test": "rsa.test",
        "hostless.test": "hostless.test",
    }.items(),
)
def test_the_server_name_chooses_the_certificate(program, name, subject):
    assert served_certificate(program, name) == subject


@pytest.mark.parametrize("name", ["unknown.test", "a.b.tls.test", "plain.test", None])
def test_the_default_certificate_is_self_signed_and_has_a_name(program, name):
    assert served_certificate(program, name) not in ("", "exact.tls.test", "*.tls.test", "rsa.test")


@pytest.mark.parametrize("name,secret", {"exact.tls.test": "exact", "other.tls.test": "wild", "rsa.test": "rsa"}.items())
def test_a_client_that_verifies_is_served(program, pairs, name, secret):
    answer = wire.get(program.https, name, "/x", tls_context=pairs[secret].context(), tls_name=name)
    assert answer.status == 200
    headers = answer.json()["headers"]
    assert headers["X-Forwarded-Proto"] == headers["X-Scheme"] == ["https"]
    assert headers["X-Forwarded-Port"] == ["443"]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_versions_are_spoken(program, pairs, version):
    context = pairs["exact"].context(minimum_version=version, maximum_version=version)
    with wire.Client(program.https, tls_context=context, tls_name="exact.tls.test") as client:
        assert client.socket.version() == version.name.replace("_", ".")
        assert client.ask(wire.request("exact.tls.test")).status == 200


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_older_versions_are_refused(program):
    context = certificates.anything()
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        wire.Client(program.https, tls_context=context, tls_name="exact.tls.test")


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_sessions_are_resumed(program, version, tmp_path):
    session = tmp_path / "session"
    host, port = program.https
    command = ["openssl", "s_client", "-connect", f"{host}:{port}", "-servername", "exact.tls.test", version]
    request = wire.request("exact.tls.test", "/", "Connection: close")

    def connect(*more):
        # s_client ends with its input unless told otherwise; the ticket of 1.3 comes after the handshake.
        return subprocess.run([*command, "-ign_eof", *more], input=request, capture_output=True, timeout=portico.COMMAND_SECONDS, check=False).stdout

    assert b"New, TLS" in connect("-sess_out", session)
    assert b"Reused, TLS" in connect("-sess_in", session)


def test_alpn_offers_http_1_1(program, pairs):
    context = pairs["exact"].context()
    context.set_alpn_protocols(["http/1.1"])
    with wire.Client(program.https, tls_context=context, tls_name="exact.tls.test") as client:
        assert client.socket.selected_alpn_protocol() == "http/1.1"


def test_bodies_pass_both_ways(program, pairs):
    body = bytes(range(256)) * 4000
    connect = {"tls_context": pairs["exact"].context(), "tls_name": "exact.tls.test"}
    assert wire.get(program.https, "exact.tls.test", "/echo-body", method="POST", body=body, **connect).body == body


def test_a_download_over_tls_ends_with_close_notify(program, pairs):
    with wire.Client(program.https, tls_context=pairs["exact"].context(), tls_name="exact.tls.test") as client:
        client.socket.suppress_ragged_eofs = False
        answer = client.ask(wire.request("exact.tls.test", "/?bytes=100000", "Connection: close"))
        assert len(answer.body) == 100_000 and client.socket.recv(1) == b""


def test_plain_http_on_the_tls_port_harms_nobody(program, pairs):
    with wire.Client(program.https) as client:
        client.send(wire.request("exact.tls.test"))
        client.rest()
    assert served_certificate(program, "exact.tls.test") == "exact.tls.test"


# host and target asked by http -> where it redirects to, or None where it is served
REDIRECTS = {
    ("exact.tls.test", "/a/b?c=d"): "https://exact.tls.test/a/b?c=d",
    ("exact.tls.test:8080", "/x"): "https://exact.tls.test/x",
    ("other.tls.test", "/x"): "https://other.tls.test/x",
    ("hostless.test", "/x"): "https://hostless.test/x",
    ("exact.tls.test", "/x/"): "https://exact.tls.test/x",  # one slash at the end goes, as in ingress-nginx
    ("exact.tls.test", "/"): "https://exact.tls.test",
    ("forced.test", "/x"): "https://forced.test/x",
    ("rsa.test", "/x"): None,
    ("plain.test", "/x"): None,
}


@pytest.mark.parametrize("host,target", REDIRECTS)
def test_http_redirects_to_https_where_the_host_has_a_certificate(program, host, target):
    answer = wire.get(program.http, host, target)
    location = REDIRECTS[host, target]
    assert (answer.status, answer.field("location")) == ((308, location) if location else (200, None))


def test_a_redirect_names_the_public_port(folder, echo, pairs):
    folder.write("all.yaml", *served("echo", echo.port), tls_secret("exact", pairs["exact"]))
    folder.write("i.yaml", ingress("i", rule("exact.tls.test", path("/", "echo")), tls={"exact": ["exact.tls.test"]}))
    with portico.Portico(folder, "--public-https-port", "8443") as program:
        assert wire.get(program.http, "exact.tls.test", "/x").field("location") == "https://exact.tls.test:8443/x"


def bad_secret(name, certificate, key):
    return manifests.tls_secret(name, certificates.Pair(certificate, key))


def test_a_bad_secret_is_told_and_the_last_good_certificate_stays(folder, echo, pairs):
    good = pairs["exact"]
    folder.write("echo.yaml", *served("echo", echo.port)).write("secret.yaml", tls_secret("exact", good))
    folder.write("i.yaml", ingress("i", rule("exact.tls.test", path("/", "echo")), tls={"exact": ["exact.tls.test"]}))
    with portico.Portico(folder) as program:
        for bad in (bad_secret("exact", "nonsense", good.key), bad_secret("exact", good.certificate, pairs["rsa"].key)):
            told = len(program.lines)
            folder.write("secret.yaml", bad)
            portico.eventually(lambda told=told: "default/exact" in "\n".join(program.lines[told:]), what="a diagnostic")
            assert served_certificate(program, "exact.tls.test") == "exact.tls.test"
        folder.write("secret.yaml", tls_secret("exact", certificates.self_signed("exact.tls.test", "new.tls.test")))
        portico.eventually(lambda: served_new(program), what="the new certificate")


def served_new(program):
    with wire.Client(program.https, tls_context=certificates.anything(), tls_name="exact.tls.test") as client:
        return b"new.tls.test" in client.socket.getpeercert(binary_form=True)


def test_a_certificate_changes_without_cutting_connections(folder, echo, pairs):
    folder.write("echo.yaml", *served("echo", echo.port)).write("secret.yaml", tls_secret("exact", pairs["exact"]))
    folder.write("i.yaml", ingress("i", rule("exact.tls.test", path("/", "echo")), tls={"exact": ["exact.tls.test"]}))
    context = pairs["exact"].context()
    with portico.Portico(folder) as program:
        with wire.Client(program.https, tls_context=context, tls_name="exact.tls.test") as client:
            assert client.ask(wire.request("exact.tls.test")).status == 200
            folder.write("secret.yaml", tls_secret("exact", certificates.self_signed("exact.tls.test", "new.tls.test")))
            portico.eventually(lambda: served_new(program), what="the new certificate")
            assert client.ask(wire.request("exact.tls.test")).status == 200


def test_a_missing_secret_serves_the_default_certificate_and_no_redirect(folder, echo):
    folder.write("echo.yaml", *served("echo", echo.port))
    folder.write("i.yaml", ingress("i", rule("missing.test", path("/", "echo")), tls={"nobody": ["missing.test"]}))
    with portico.Portico(folder) as program:
        assert served_certificate(program, "missing.test") != "missing.test"
        assert wire.get(program.https, "missing.test", tls_context=certificates.anything(), tls_name="missing.test").status == 200
