"""nghttp2's own client programs, h2load and nghttp: many streams on few connections, and the parts of HTTP/2 few clients use."""

import re
import subprocess

import certificates
import portico
import pytest
from manifests import ingress, path, rule, served, tls_secret

HOST = "tools.test"
UPLOAD = bytes(range(256)) * 200


@pytest.fixture(scope="module")
def program(module_folder, echo, capture):
    pair = certificates.self_signed(HOST)
    module_folder.write("services.yaml", *served("echo", echo.port), *served("capture", capture.port))
    rules = rule(HOST, path("/", "echo"), path("/capture", "capture"))
    module_folder.write("secret.yaml", tls_secret("pair", pair))
    module_folder.write("ingress.yaml", ingress("tools", rules, tls={"pair": [HOST]}, annotations={"ssl-redirect": "false"}))
    with portico.Portico(module_folder) as running:
        yield running


@pytest.fixture(scope="module")
def upload(tmp_path_factory):
    file = tmp_path_factory.mktemp("upload") / "upload.bin"
    file.write_bytes(UPLOAD)
    return file


def run(*command):
    result = subprocess.run(list(map(str, command)), capture_output=True, timeout=portico.COMMAND_SECONDS, check=False)
    told = (result.stdout + result.stderr).decode("latin-1")
    assert result.returncode == 0, told
    return told


def load(program, scheme, requests, *flags, path="/"):
    """Asserts that h2load had an answer of 200 to each."""
    host, port = program.https if scheme == "https" else program.http
    told = run("h2load", "-t1", f"-n{requests}", f"--connect-to={host}:{port}", *flags, f"{scheme}://{HOST}{path}")
    assert f"{requests} succeeded, 0 failed, 0 errored, 0 timeout" in told, told
    assert f"status codes: {requests} 2xx, 0 3xx, 0 4xx, 0 5xx" in told, told
    return told


@pytest.fixture(params=["http", "https"])
def scheme(request):
    return request.param


def test_thousands_of_requests_on_four_connections(program, scheme):
    load(program, scheme, 4000, "-c4", "-m100")


def test_one_request_after_the_other(program, scheme):
    load(program, scheme, 500, "-c1", "-m1")


def test_many_connections(program, scheme):
    load(program, scheme, 1000, "-c100", "-m10")


def test_uploads(program, scheme, upload):
    load(program, scheme, 500, "-c4", "-m20", "-d", upload, path="/echo-body")


@pytest.mark.parametrize("window", ["-w16", "-w30"], ids=["small windows", "large windows"])
def test_large_answers(program, scheme, window):
    told = load(program, scheme, 60, "-c2", "-m10", window, f"-W{window[2:]}", path="/?bytes=1000000")
    assert re.search(r"\(60000000\) data", told), told


def test_answers_of_unknown_length(program, scheme):
    load(program, scheme, 500, "-c2", "-m50", path="/?bytes=20000&chunked=1")


def test_header_tables_of_no_size(program, scheme):
    load(program, scheme, 500, "-c2", "-m50", "--header-table-size=0", "--encoder-header-table-size=0")


def test_the_same_listener_speaks_http1(program, scheme):
    load(program, scheme, 500, "-c4", "--h1")


def ask(program, scheme, target, *flags):
    """What nghttp tells with -v, frame by frame."""
    port = (program.https if scheme == "https" else program.http)[1]
    return run("nghttp", "-v", "--no-verify-peer", f"-H:authority: {HOST}", *flags, f"{scheme}://127.0.0.1:{port}{target}")


def statuses(told):
    return re.findall(r"recv \(stream_id=\d+(?:, sensitive)?\) :status: (\d+)", told)


def test_headers_in_continuation_frames(program, scheme):
    told = ask(program, scheme, "/", "--continuation")
    assert statuses(told) == ["200"] and '"Continuation-Test-6":' in told, told


def test_trailers_of_the_answer(program, scheme):
    told = ask(program, scheme, "/?trailers=1")
    assert statuses(told) == ["200"] and re.search(r"recv \(stream_id=\d+\) x-checksum: ", told), told


def test_trailers_of_the_request(program, scheme, recorded, upload):
    told = ask(program, scheme, "/capture", "-d", upload, "--no-content-length", "--trailer=x-checked: yes")
    assert statuses(told) == ["200"], told
    assert UPLOAD[:4096] in recorded.received()


def test_a_body_that_waits_for_100(program, scheme, upload):
    told = ask(program, scheme, "/echo-body", "--expect-continue", "-d", upload)
    assert statuses(told)[-1] == "200", told


def test_padding(program, scheme, upload):
    told = ask(program, scheme, "/echo-body", "--padding=256", "-d", upload)
    assert statuses(told) == ["200"], told


def test_priorities_are_taken_and_change_nothing(program, scheme):
    told = ask(program, scheme, "/", "--weight=256", "-m5")
    assert statuses(told) == ["200"] * 5, told


def test_an_upgrade_to_h2c_is_answered_in_http1(program):
    host, port = program.http
    result = subprocess.run(
        ["nghttp", "-v", "-u", f"-H:authority: {HOST}", f"http://{host}:{port}/"], capture_output=True, timeout=portico.COMMAND_SECONDS, check=False
    )
    assert b"101 Switching" not in result.stdout
