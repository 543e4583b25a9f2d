"""Compressed answers: curl decodes them, and raw sockets see what stands beside the bytes."""

import gzip
import subprocess
import threading
import zlib

import backends
import portico
import pytest
import wire
from manifests import Folder, config_map, ingress, ingress_class, path, rule, served

TEXT = b"".join(b"line %d of a text that can be compressed\n" % i for i in range(5000))
ON = {"use-gzip": "true", "enable-brotli": "true", "enable-zstd": "true"}


def page(*lines, body=TEXT, content_type="text/html"):
    fields = "".join(f"{line}\r\n" for line in (f"Content-Type: {content_type}", *lines, f"Content-Length: {len(body)}"))
    return b"HTTP/1.1 200 OK\r\n" + fields.encode() + b"\r\n" + body


@pytest.fixture(scope="module")
def program(module_folder, capture, echo):
    module_folder.write("services.yaml", *served("capture", capture.port), *served("echo", echo.port))
    module_folder.write(
        "ingress.yaml",
        ingress("text", rule("capture.test", path("/", "capture")), rule("echo.test", path("/", "echo"))),
    )
    module_folder.write("settings.yaml", config_map("settings", **{name.replace("-", "_"): value for name, value in ON.items()}))
    with portico.Portico(module_folder, "--configmap", "default/settings") as running:
        yield running


def ask(program, *lines, method="GET"):
    return wire.get(program.http, "capture.test", "/", *lines, method=method)


def curl(program, *flags):
    host, port = program.http
    command = ["curl", "-sS", "--max-time", str(portico.PATIENCE), "-H", "Host: capture.test", *flags, f"http://{host}:{port}/"]
    return subprocess.run(command, capture_output=True, check=True).stdout


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
def test_curl_decodes_each_coding(program, recorded, coding):
    recorded.play(page())
    assert curl(program, "--compressed", "-H", f"Accept-Encoding: {coding}") == TEXT
    head = curl(program, "-H", f"Accept-Encoding: {coding}", "-D", "-", "-o", "/dev/null").decode().lower()
    assert f"content-encoding: {coding}\r\n" in head and "content-length" not in head


def test_curl_decodes_what_it_is_given_by_its_own_list(program, recorded):
    recorded.play(page())
    assert curl(program, "--compressed") == TEXT


def test_a_browsers_list_gets_zstd_and_an_older_ones_brotli_and_an_oldest_ones_gzip(program, recorded):
    recorded.play(page())
    for accept, coding in {"gzip, deflate, br, zstd": "zstd", "gzip, deflate, br": "br", "gzip, deflate": "gzip"}.items():
        assert ask(program, f"Accept-Encoding: {accept}").field("content-encoding") == coding


def test_the_head_says_what_the_bytes_became(program, recorded):
    recorded.play(page('ETag: "v1"', "Accept-Ranges: bytes", "Vary: Origin", "Content-MD5: x", "Digest: x", "X-Kept: 1"))
    answer = ask(program, "Accept-Encoding: gzip")
    assert gzip.decompress(answer.body) == TEXT and len(answer.body) < len(TEXT) / 3
    assert answer.field("etag") == 'W/"v1"'
    assert answer.all("vary") == ["Accept-Encoding", "Origin"] or answer.all("vary") == ["Origin", "Accept-Encoding"]
    assert answer.field("transfer-encoding") == "chunked" and answer.field("content-length") is None
    for name in ("accept-ranges", "content-md5", "digest"):
        assert answer.field(name) is None
    assert answer.field("x-kept") == "1"


def test_the_same_connection_serves_on(program, recorded):
    recorded.play(page())
    with wire.Client(program.http) as client:
        for coding in ("gzip", "identity", "gzip"):
            answer = client.ask(wire.request("capture.test", "/", f"Accept-Encoding: {coding}"))
            assert (gzip.decompress(answer.body) if coding == "gzip" else answer.body) == TEXT


LEFT_ALONE = {
    "a client that takes none": (page(), ["Accept-Encoding: identity"]),
    "a client that says nothing": (page(), []),
    "a client that refuses": (page(), ["Accept-Encoding: gzip;q=0, br;q=0, zstd;q=0"]),
    "what is coded already": (page("Content-Encoding: gzip", body=gzip.compress(TEXT)), ["Accept-Encoding: gzip, br"]),
    "what must not be transformed": (page("Cache-Control: no-transform"), ["Accept-Encoding: gzip"]),
    "a client that wants no transformation": (page(), ["Accept-Encoding: gzip", "Cache-Control: no-transform"]),
    "what is packed": (page(content_type="image/png"), ["Accept-Encoding: gzip"]),
    "a type that is not listed": (page(content_type="text/csv"), ["Accept-Encoding: gzip"]),
    "what is small": (page(body=b"x" * 19), ["Accept-Encoding: br, gzip, zstd"]),
    "a part": (
        page("Content-Range: bytes 0-4/100", body=b"x" * 5000).replace(b"200 OK", b"206 Partial Content"),
        ["Accept-Encoding: gzip", "Range: bytes=0-4"],
    ),
}


@pytest.mark.parametrize("name", LEFT_ALONE)
def test_is_left_alone(program, recorded, name):
    raw, lines = LEFT_ALONE[name]
    recorded.play(raw)
    answer = ask(program, *lines)
    body = raw.split(b"\r\n\r\n", 1)[1]
    assert answer.body == body and answer.field("content-length") == str(len(body))
    assert (answer.field("content-encoding") == "gzip") == (b"Content-Encoding" in raw)


def test_whoever_could_get_another_coding_is_told_that_the_answer_varies(program, recorded):
    recorded.play(page())
    assert ask(program).field("vary") == "Accept-Encoding"
    recorded.play(page(content_type="image/png"))
    assert ask(program, "Accept-Encoding: gzip").field("vary") is None


def test_an_http_1_0_client_gets_the_plain_bytes(program, recorded):
    recorded.play(page())
    with wire.Client(program.http) as client:
        answer = client.ask(wire.request("capture.test", "/", "Accept-Encoding: gzip", version="1.0"))
    assert answer.body == TEXT and answer.field("content-encoding") is None


def test_an_answer_to_head_is_described_as_the_one_to_get(program, recorded):
    recorded.play(page(body=b"").replace(b"Content-Length: 0", b"Content-Length: 5000"))
    answer = ask(program, "Accept-Encoding: gzip", method="HEAD")
    assert answer.field("content-encoding") == "gzip" and answer.field("content-length") is None


def test_answers_without_a_body_stay_without_one(program, recorded):
    recorded.play(b"HTTP/1.1 304 Not Modified\r\nContent-Type: text/html\r\nETag: \"v1\"\r\n\r\n")
    with wire.Client(program.http) as client:
        for _ in range(2):
            answer = client.ask(wire.request("capture.test", "/", "Accept-Encoding: gzip"))
            assert answer.status == 304 and answer.field("etag") == '"v1"' and answer.field("content-encoding") is None


def chunk(data):
    return b"%x\r\n%b\r\n" % (len(data), data)


EVENT_STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("coding", ["gzip"])
def test_events_arrive_one_by_one(program, recorded, coding):
    """The backend sends the next event only when the client has decoded the one before."""
    seen = [threading.Event() for _ in range(10)]

    def stream(connection):
        connection.send(EVENT_STREAM)
        for number, turn in enumerate(seen):
            connection.send(chunk(b"data: event %d\n\n" % number))
            if not turn.wait(portico.PATIENCE):
                return True
        connection.send(b"0\r\n\r\n")
        return False

    recorded.play(stream)
    decoder = zlib.decompressobj(31)
    text = b""
    with wire.Client(program.http) as client:
        head = client.send(wire.request("capture.test", "/", f"Accept-Encoding: {coding}")).final_head()
        assert head.field("content-encoding") == coding
        for number, turn in enumerate(seen):
            while not text.endswith(b"event %d\n\n" % number):
                size = int(client.line(), 16)
                assert size > 0, "ended early"
                text += decoder.decompress(client.exactly(size))
                assert client.line() == ""
            turn.set()
        while size := int(client.line(), 16):
            decoder.decompress(client.exactly(size))
            assert client.line() == ""
        assert decoder.eof


def test_trailers_pass_behind_a_coded_body(program, recorded):
    recorded.play(EVENT_STREAM + chunk(TEXT) + b"0\r\nX-Sum: 1\r\n\r\n")
    answer = ask(program, "Accept-Encoding: gzip", "TE: trailers")
    assert gzip.decompress(answer.body) == TEXT and answer.trailers == [("X-Sum", "1")]


def test_a_cut_answer_is_seen_as_cut(program, recorded):
    recorded.play(backends.closing(EVENT_STREAM + chunk(TEXT)))
    with pytest.raises(wire.Cut):
        ask(program, "Accept-Encoding: gzip")


def test_a_client_that_does_not_read_stops_the_backend(program):
    """Noise cannot be compressed: what the client does not read must not pile up."""
    before = program.resident_bytes()
    with wire.Client(program.http, receive_buffer=4096) as client:
        client.send(wire.request("echo.test", "/?bytes=100000000&header=Content-Type:text/html", "Accept-Encoding: gzip"))
        client.final_head()
        for _ in range(20):
            assert wire.get(program.http, "echo.test").status == 200
    assert program.resident_bytes() - before < (80 if portico.SANITIZED else 24) << 20


def test_big_bodies_arrive_whole(program):
    size = 5_000_000
    host, port = program.http
    command = ["curl", "-sS", "--max-time", str(portico.COMMAND_SECONDS), "-H", "Host: echo.test", "--compressed"]
    for coding in ("gzip", "br", "zstd"):
        done = subprocess.run(
            [*command, "-H", f"Accept-Encoding: {coding}", f"http://{host}:{port}/?bytes={size}&header=Content-Type:text/html"],
            capture_output=True,
            check=True,
        )
        assert zlib.crc32(done.stdout) == backends.pattern_crc32(size)


def test_off_unless_the_map_says_so_and_follows_it(tmp_path, capture):
    capture.play(page())
    site = Folder(tmp_path / "site").write("class.yaml", ingress_class())
    site.write("site.yaml", *served("capture", capture.port), ingress("text", rule("capture.test", path("/", "capture"))))
    site.write("settings.yaml", config_map("settings"))
    with portico.Portico(site, "--configmap", "default/settings") as running:
        answer = ask(running, "Accept-Encoding: gzip")
        assert answer.field("content-encoding") is None and answer.field("vary") is None
        site.write("settings.yaml", config_map("settings", use_gzip="true", gzip_min_length="10", gzip_types="*"))
        portico.eventually(lambda: ask(running, "Accept-Encoding: gzip").field("content-encoding") == "gzip")
        site.write("settings.yaml", config_map("settings", use_gzip="false"))
        portico.eventually(lambda: ask(running, "Accept-Encoding: gzip").field("content-encoding") is None)
