"""Bodies of any size, both ways, in bounded memory."""

import threading
import zlib

import backends
import manifests
import portico
import pytest
import wire
from manifests import ingress, path, rule, served

MIB = 1 << 20
BIG_BYTES = 1 << 30 if portico.LONG_TESTS and not portico.SANITIZED else 200 * MIB
# What the resident memory may grow by, whatever the body; sanitizers keep what is freed.
FLAT_BYTES = (100 if portico.SANITIZED else 24) * MIB


@pytest.fixture(scope="module")
def program(module_folder, echo):
    module_folder.write("echo.yaml", *served("echo", echo.port))
    module_folder.write(
        "ingress.yaml",
        ingress("big", rule("big.test", path("/", "echo")), annotations={"proxy-body-size": "0"}),
        ingress("limited", rule("limited.test", path("/", "echo")), annotations={"proxy-body-size": "2k"}),
        ingress("usual", rule("usual.test", path("/", "echo"))),
    )
    with portico.Portico(module_folder) as running:
        yield running


class PeakMemory:
    """The highest resident size while it is open, beyond what it was before."""

    def __init__(self, program):
        self.program = program
        self.stopped = threading.Event()
        self.before = self.peak = program.resident_bytes()

    def _watch(self):
        while not self.stopped.wait(0.02):
            self.peak = max(self.peak, self.program.resident_bytes())

    def __enter__(self):
        self.thread = threading.Thread(target=self._watch)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.thread.join()

    @property
    def growth(self):
        return self.peak - self.before


def drain(client, size):
    crc, left = 0, size
    while left:
        piece = client.exactly(min(left, len(client.buffer) or 65536))
        crc = zlib.crc32(piece, crc)
        left -= len(piece)
    return crc


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 65537, MIB - 1, MIB])
@pytest.mark.parametrize("framing", ["", "&chunked=1", "&until_close=1"])
def test_downloads_arrive_whole(program, size, framing):
    body = wire.get(program.http, "usual.test", f"/?bytes={size}{framing}").body
    assert len(body) == size and zlib.crc32(body) == backends.pattern_crc32(size)


def chunked(body, piece):
    parts = [body[i : i + piece] for i in range(0, len(body), piece)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


@pytest.mark.parametrize("size,piece", [(0, 1), (1, 1), (1000, 7), (65537, 65536), (MIB, 16384)])
def test_chunked_uploads_arrive_whole(program, size, piece):
    body = backends.PATTERN_PERIOD * (size // 251) + backends.PATTERN_PERIOD[: size % 251]
    answer = wire.get(
        program.http, "usual.test", "/", "Transfer-Encoding: chunked", method="POST", body=chunked(body, piece)
    )
    seen = answer.json()
    assert (seen["body_bytes"], seen["body_crc32"]) == (size, zlib.crc32(body))


def test_a_big_download_leaves_memory_flat(program):
    with wire.Client(program.http) as client, PeakMemory(program) as memory:
        head = client.send(wire.request("big.test", f"/?bytes={BIG_BYTES}")).final_head()
        assert head.field("content-length") == str(BIG_BYTES)
        assert drain(client, BIG_BYTES) == backends.pattern_crc32(BIG_BYTES)
    assert memory.growth < FLAT_BYTES


def test_a_big_upload_leaves_memory_flat(program):
    block = backends.PATTERN_PERIOD * 4096
    with wire.Client(program.http, seconds=portico.COMMAND_SECONDS) as client, PeakMemory(program) as memory:
        client.send(wire.request("big.test", "/", f"Content-Length: {BIG_BYTES}", method="POST"))
        left = BIG_BYTES
        while left:
            client.send(block[:left])
            left -= min(left, len(block))
        seen = client.response().json()
    assert (seen["body_bytes"], seen["body_crc32"]) == (BIG_BYTES, backends.pattern_crc32(BIG_BYTES))
    assert memory.growth < FLAT_BYTES


def test_a_client_that_does_not_read_stops_the_backend(program):
    """Credit flows against the bytes: what no one reads is not fetched, let alone kept."""
    with wire.Client(program.http, receive_buffer=4096) as client, PeakMemory(program) as memory:
        client.send(wire.request("big.test", f"/?bytes={100 * MIB}"))
        client.final_head()
        client.exactly(100_000)
        with wire.Client(program.http) as other:
            for _ in range(50):
                assert other.ask(wire.request("usual.test")).status == 200
    assert memory.growth < FLAT_BYTES


def test_a_body_beyond_the_limit_is_413_and_a_close(program):
    with wire.Client(program.http) as client:
        answer = client.ask(wire.request("limited.test", "/", "Content-Length: 2049", method="POST"))
        assert answer.status == 413
        assert client.ended()


def test_a_body_at_the_limit_passes(program):
    assert wire.get(program.http, "limited.test", method="POST", body=b"x" * 2048).json()["body_bytes"] == 2048


def test_the_usual_limit_is_one_mebibyte(program):
    assert wire.get(program.http, "usual.test", method="POST", body=b"x" * MIB).json()["body_bytes"] == MIB
    head = wire.request("usual.test", "/", f"Content-Length: {MIB + 1}", method="POST")
    with wire.Client(program.http) as client:
        assert client.ask(head).status == 413


def test_a_chunked_body_beyond_the_limit_is_413(program):
    head = wire.request("limited.test", "/", "Transfer-Encoding: chunked", method="POST")
    with wire.Client(program.http) as client:
        assert client.ask(head + b"1000\r\n" + b"x" * 0x1000 + b"\r\n").status == 413
        assert client.ended()


def test_an_answer_before_the_body_is_read_reaches_the_client(program):
    with wire.Client(program.http) as client:
        client.send(wire.request("big.test", "/?early=1&status=403", "Content-Length: 1000000", method="POST") + b"x" * 1000)
        assert client.response().status == 403


def test_a_client_that_leaves_in_its_upload_harms_nobody(program):
    with wire.Client(program.http) as client:
        client.send(wire.request("usual.test", "/", "Content-Length: 1000", method="POST") + b"x" * 10)
    assert wire.get(program.http, "usual.test").status == 200


def test_a_client_that_leaves_in_its_download_harms_nobody(program):
    with wire.Client(program.http) as client:
        client.send(wire.request("usual.test", f"/?bytes={100 * MIB}")).final_head()
    assert wire.get(program.http, "usual.test").status == 200
