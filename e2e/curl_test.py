"""The main features as a user meets them: by curl."""

import dataclasses
import hashlib
import signal
import subprocess

import backends
import certificates
import portico
import pytest
from manifests import ingress, path, rule, served, tls_secret

BODY_BYTES = 300_000


@dataclasses.dataclass
class Answer:
    code: int  # curl's own
    status: int
    body: str
    told: str  # what else --write-out was asked for


@dataclasses.dataclass
class Site:
    program: portico.Portico
    ca: str

    def curl(self, url, *more, told=""):
        """`url` is scheme://host/path; the host is led to Portico's port for that scheme."""
        scheme, rest = url.split("://", 1)
        host, slash, target = rest.partition("/")
        ports = {"http": self.program.http[1], "https": self.program.https[1]}
        resolve = [word for port in ports.values() for word in ("--resolve", f"{host}:{port}:127.0.0.1")]
        command = ["curl", "-sS", "--max-time", str(portico.PATIENCE), "--cacert", self.ca, *resolve, *map(str, more)]
        command += ["-w", f"\n%{{http_code}} {told}", f"{scheme}://{host}:{ports[scheme]}{slash}{target}"]
        result = subprocess.run(command, capture_output=True, timeout=portico.COMMAND_SECONDS, check=False)
        body, _, last = result.stdout.decode("latin-1").rpartition("\n")
        status, _, rest = last.partition(" ")
        return Answer(result.returncode, int(status), body, rest)


def write_site(folder, echoes):
    pair = certificates.self_signed("secure.curl.test")
    for name, backend in zip(("api", "web"), echoes):
        folder.write(f"{name}.yaml", *served(name, backend.port))
    folder.write("secret.yaml", tls_secret("secure", pair))
    folder.write(
        "ingress.yaml",
        ingress("curl", rule("curl.test", path("/", "web"), path("/api", "api"), path("/gone", "nobody"))),
        ingress("wild", rule("*.wild.curl.test", path("/", "web"))),
        ingress("secure", rule("secure.curl.test", path("/", "api")), tls={"secure": ["secure.curl.test"]}),
        ingress("slow", rule("slow.curl.test", path("/", "api")), annotations={"proxy-read-timeout": "1"}),
    )
    return pair


@pytest.fixture(scope="module")
def site(module_folder, echoes, tmp_path_factory):
    pair = write_site(module_folder, echoes)
    ca = tmp_path_factory.mktemp("ca") / "ca.crt"
    ca.write_text(pair.certificate)
    http, https = portico.free_port(), portico.free_port()
    flags = [f"--public-http-port={http}", f"--public-https-port={https}"]
    flags += [f"--http-address=127.0.0.1:{http}", f"--https-address=127.0.0.1:{https}"]
    with portico.Portico(module_folder, *flags) as program:
        yield Site(program, str(ca))


SERVED = {
    "http://curl.test/": '"pod":"b"',
    "http://curl.test/api/items?page=2": '"pod":"a"',
    "http://curl.test/apiary": '"pod":"b"',
    "http://blue.wild.curl.test/": '"pod":"b"',
    "https://secure.curl.test/x": '"X-Forwarded-Proto":["https"]',
}


@pytest.mark.parametrize("url", SERVED)
def test_a_url_is_served_by_its_rule(site, url):
    answer = site.curl(url)
    assert (answer.code, answer.status) == (0, 200) and SERVED[url] in answer.body


@pytest.mark.parametrize("url,status", {"http://nobody.test/": 404, "http://curl.test/gone": 503}.items())
def test_what_no_backend_serves_is_an_error_page(site, url, status):
    answer = site.curl(url, "-H", "Accept: application/json", told="%{content_type}")
    assert (answer.code, answer.status, answer.told) == (0, status, "application/json")


def test_a_redirect_to_https_leads_back(site):
    answer = site.curl("http://secure.curl.test/a?b=c", "-L", told="%{num_redirects}")
    assert (answer.status, answer.told) == (200, "1") and '"path":"/a?b=c"' in answer.body


@pytest.mark.parametrize("flags", [["--tls-max", "1.2"], ["--tlsv1.3"]])
def test_both_tls_versions_are_spoken(site, flags):
    assert site.curl("https://secure.curl.test/", *flags).status == 200


def test_a_certificate_that_is_not_of_the_host_is_refused_by_curl(site):
    assert site.curl("https://curl.test/").code == 60


def test_a_connection_is_kept(site):
    first = f"http://curl.test:{site.program.http[1]}/first"
    answer = site.curl("http://curl.test/second", first, told="%{num_connects}")
    assert (answer.status, answer.told) == (200, "0") and "\n200 1" in answer.body


@pytest.mark.parametrize("options", ["", "&chunked=1", "&until_close=1"])
def test_a_download_arrives_whole(site, tmp_path, options):
    got = tmp_path / "body"
    answer = site.curl(f"http://curl.test/?bytes={BODY_BYTES}{options}", "-o", got)
    expected = (backends.PATTERN_PERIOD * (BODY_BYTES // 251 + 1))[:BODY_BYTES]
    assert (answer.code, answer.status) == (0, 200)
    assert hashlib.sha256(got.read_bytes()).digest() == hashlib.sha256(expected).digest()


def test_a_download_that_is_cut_is_seen_as_cut(site):
    assert site.curl("http://curl.test/?bytes=1000&cut=1", "-o", "/dev/null").code in (18, 56)


@pytest.mark.parametrize("flags", [[], ["-H", "Transfer-Encoding: chunked"], ["-H", "Expect: 100-continue"]])
@pytest.mark.parametrize("scheme,host", {"http": "curl.test", "https": "secure.curl.test"}.items())
def test_an_upload_arrives_whole(site, tmp_path, flags, scheme, host):
    sent = tmp_path / "body"
    sent.write_bytes(backends.PATTERN_PERIOD * (BODY_BYTES // 251))
    got = tmp_path / "back"
    answer = site.curl(f"{scheme}://{host}/echo-body", "-T", sent, "-o", got, *flags)
    assert (answer.code, answer.status) == (0, 200)
    assert got.read_bytes() == sent.read_bytes()


def test_an_upload_beyond_the_limit_is_413(site, tmp_path):
    (tmp_path / "body").write_bytes(b"x" * (1 << 20) + b"x")
    assert site.curl("http://curl.test/", "-T", tmp_path / "body").status == 413


def test_http_1_0_is_served(site):
    answer = site.curl(f"http://curl.test/?chunked=1&bytes={BODY_BYTES}", "-0", "-o", "/dev/null", told="%{size_download}")
    assert (answer.code, answer.status, answer.told) == (0, 200, str(BODY_BYTES))


def test_head_has_no_body(site):
    answer = site.curl("http://curl.test/?bytes=1000", "-I")
    assert (answer.code, answer.status) == (0, 200) and "content-length: 1000" in answer.body.lower()


def test_a_backend_that_is_too_slow_is_504(site):
    assert site.curl("http://slow.curl.test/?delay_ms=5000").status == 504


def test_dot_segments_are_gone_before_rules_are_matched(site):
    answer = site.curl("http://curl.test/x/../api/y", "--path-as-is")
    assert answer.status == 200 and '"pod":"a"' in answer.body and '"path":"/api/y"' in answer.body


def test_a_change_of_the_manifests_is_followed(folder, echoes, tmp_path):
    write_site(folder, echoes)
    with portico.Portico(folder) as program:
        site = Site(program, "/dev/null")
        assert site.curl("http://new.test/").status == 404
        folder.write("new.yaml", ingress("new", rule("new.test", path("/", "api"))))
        portico.eventually(lambda: site.curl("http://new.test/").status == 200, what="the new host")


def test_a_download_finishes_in_the_drain(folder, echoes, tmp_path):
    write_site(folder, echoes)
    with portico.Portico(folder) as program:
        port = program.http[1]
        url = f"http://curl.test:{port}/?bytes={4 << 20}&piece_delay_ms=10"
        command = ["curl", "-sS", "--resolve", f"curl.test:{port}:127.0.0.1", "-D", "-", "-o", "/dev/null", url]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as download:
            assert " 200 " in download.stdout.readline()
            program.signal(signal.SIGTERM)
            assert download.wait(portico.COMMAND_SECONDS) == 0, download.stderr.read()
        assert program.wait() == 0
