"""auth-tls-* over HTTP/2: by curl, and stream by stream of one connection."""

import shutil
import subprocess

import certificates
import h2_client
import portico
import pytest
from manifests import ingress, metadata, path, rule, served, tls_secret

HOSTS = {
    "mtls.test": {"auth-tls-secret": "default/ours"},
    "optional.test": {"auth-tls-secret": "default/ours", "auth-tls-verify-client": "optional"},
    "other.test": {"auth-tls-secret": "default/other"},
    "open.test": {},
}


def authorities_secret(name, authority):
    data = {"ca.crt": authority.certificate}
    return {"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": metadata(name), "stringData": data}


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """Name -> a file with a client's certificate and key; and the authorities that have signed them."""
    folder = tmp_path_factory.mktemp("clients")
    authorities = {name: certificates.Authority(name) for name in ("ours", "other")}
    files = {}
    for name, authority in (("good", "ours"), ("stranger", "other")):
        pair = authorities[authority].issue(name)
        files[name] = folder / f"{name}.pem"
        files[name].write_text(pair.certificate + pair.key)
    return authorities, files


@pytest.fixture(scope="module")
def program(module_folder, echo, shown):
    authorities, _ = shown
    secrets = [authorities_secret(name, authority) for name, authority in authorities.items()]
    pair = certificates.self_signed(*HOSTS)
    module_folder.write("echo.yaml", *served("echo", echo.port), tls_secret("server", pair), *secrets)
    for number, (host, annotations) in enumerate(HOSTS.items()):
        one = ingress(f"i{number}", rule(host, path("/", "echo")), tls={"server": [host]}, annotations=annotations)
        module_folder.write(f"i{number}.yaml", one)
    with portico.Portico(module_folder) as running:
        yield running


def curl(program, host, *more):
    """The version that was spoken, the status."""
    address, port = program.https
    command = ["curl", "-sS", "-k", "--http2", "--max-time", "60", "-o", "/dev/null"]
    command += ["--resolve", f"{host}:{port}:{address}", "-w", "%{http_version} %{http_code}", *more, f"https://{host}:{port}/x"]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=True).stdout.split()


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl")
@pytest.mark.parametrize("version", ["--tls-max=1.2", "--tlsv1.3"])
@pytest.mark.parametrize(
    "host,name,status",
    [
        ("mtls.test", "good", 200),
        ("mtls.test", "stranger", 400),
        ("mtls.test", None, 400),
        ("optional.test", "good", 200),
        ("optional.test", "stranger", 400),
        ("optional.test", None, 200),
        ("open.test", None, 200),
    ],
)
def test_curl_shows_its_certificate(program, shown, host, name, status, version):
    flags = ["--cert", str(shown[1][name])] if name else []
    flags += version.split("=")
    assert curl(program, host, *flags) == ["2", str(status)]


def test_each_stream_is_judged_by_its_host(program, shown):
    """The connection's certificate names all of them, so that a client may ask for each on it."""
    made = certificates.anything()
    made.load_cert_chain(shown[1]["good"])
    with h2_client.Client(program.https, tls_context=made, tls_name="mtls.test") as client:
        for host, status in [("mtls.test", 200), ("open.test", 200), ("other.test", 421), ("optional.test", 200), ("mtls.test", 200)]:
            assert client.ask(host).status == status, host


def test_a_connection_for_an_open_host_proves_nothing(program, shown):
    made = certificates.anything()
    made.load_cert_chain(shown[1]["good"])
    with h2_client.Client(program.https, tls_context=made, tls_name="open.test") as client:
        for host, status in [("open.test", 200), ("mtls.test", 421), ("optional.test", 421), ("open.test", 200)]:
            assert client.ask(host).status == status, host
