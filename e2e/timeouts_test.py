"""Timeouts that no other test has: the whole request's, and those of tunnels and of streams that fall silent."""

import asyncio
import contextlib
import threading
import time

import backends
import faults
import h2_client
import portico
import pytest
import websockets
import wire
from manifests import Folder, ingress, ingress_class, path, rule, served
from upstream_servers import H2Backend

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
# Longer than any client waits.
OTHER_TIMEOUTS = {"proxy-connect-timeout": "600", "proxy-read-timeout": "600", "proxy-send-timeout": "600"}
WHOLE = OTHER_TIMEOUTS | {"portico.dev/request-timeout": "1"}
PAUSE = 0.1
SILENCE = 2


def drip(connection):
    """An answer that goes on, without a pause that any other timeout would end."""
    connection.send(HEAD)
    with contextlib.suppress(OSError):
        for _ in range(1000):
            connection.socket.sendall(b"x")
            threading.Event().wait(PAUSE)
    return True


class Talker:
    """A WebSocket server that says nothing by itself; after `talk` it goes on talking."""

    def __init__(self):
        self.ended = []  # the paths of the conversations that are over
        self._loop = asyncio.new_event_loop()
        started = threading.Event()
        threading.Thread(target=self._run, args=(started,), daemon=True).start()
        assert started.wait(portico.PATIENCE)

    def _run(self, started):
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(websockets.serve(self._converse, "127.0.0.1", 0, ping_interval=None))
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        self._loop.run_forever()

    async def _converse(self, connection):
        with contextlib.suppress(websockets.ConnectionClosed):
            async for message in connection:
                while message == "talk":
                    await connection.send("again")
                    await asyncio.sleep(PAUSE)
        self.ended.append(connection.path)


@pytest.fixture(scope="module")
def talker():
    return Talker()


@pytest.fixture(scope="module")
def silent_streams():
    """gRPC: `/quick` is answered, `/nothing` is not, and anything else begins a stream and then says nothing."""

    def answer(request):
        if request.field(":path") == "/quick":
            return 200, [("content-type", "application/grpc")], b"", [("grpc-status", "0")]
        if request.field(":path") != "/nothing":
            request.served.h2.send_headers(request.stream, [(":status", "200"), ("content-type", "application/grpc")])
            request.served.h2.send_data(request.stream, b"begun")
        return None

    with H2Backend(answer) as backend:
        yield backend


@pytest.fixture(scope="module")
def program(tmp_path_factory, capture, talker, silent_streams):
    folder = Folder(tmp_path_factory.mktemp("timeouts")).write("class.yaml", ingress_class())
    folder.write("a.yaml", *served("capture", capture.port), *served("talker", talker.port), *served("streams", silent_streams.port))
    read = OTHER_TIMEOUTS | {"proxy-read-timeout": str(SILENCE)}
    grpc = {"backend-protocol": "GRPC"}
    folder.write(
        "b.yaml",
        ingress("whole", rule("whole.test", path("/", "capture")), rule("chat.whole.test", path("/", "talker")), annotations=WHOLE),
        ingress("read", rule("chat.read.test", path("/", "talker")), rule("read.test", path("/", "capture")), annotations=read),
        ingress("send", rule("send.test", path("/", "capture")), annotations=OTHER_TIMEOUTS | {"proxy-send-timeout": "1"}),
        ingress("grpc-whole", rule("grpc.whole.test", path("/", "streams")), annotations=WHOLE | grpc),
        ingress("grpc-read", rule("grpc.read.test", path("/", "streams")), annotations=read | grpc),
    )
    with portico.Portico(folder) as started:
        yield started


# ---- the whole request


def test_a_request_without_an_answer_is_504_after_its_time(program, recorded):
    recorded.play(faults.hang)
    begun = time.monotonic()
    assert wire.get(program.http, "whole.test").status == 504
    assert time.monotonic() - begun >= 1


def test_an_answer_that_goes_on_is_cut(program, recorded):
    recorded.play(drip)
    with pytest.raises(wire.Cut):
        wire.get(program.http, "whole.test")


def test_an_answer_that_goes_on_is_a_reset_of_its_stream_alone(program, recorded):
    recorded.play(drip)
    with h2_client.Client(program.http) as client:
        long = client.open("whole.test")
        client.until(lambda: client.streams[long].status)
        client.until(lambda: client.streams[long].over)
        assert client.streams[long].reset is not None
        recorded.play()
        assert client.ask("whole.test").status == 200


def test_a_slow_upload_counts_too(program, recorded):
    with wire.Client(program.http) as client:
        client.send(wire.request("whole.test", "/", "Content-Length: 1000", method="POST") + b"x")
        assert client.final_head().status == 504


def test_a_grpc_client_is_told_unavailable(program):
    with h2_client.Client(program.http) as client:
        answer = client.ask("grpc.whole.test", "/nothing", ("content-type", "application/grpc"), method="POST")
        assert (answer.status, answer.field("grpc-status")) == (200, "14")


def test_an_endpoint_that_hangs_is_ejected_by_the_whole_time(folder):
    """The read timeout that would find it out never comes."""
    with contextlib.ExitStack() as stack:
        sick, well = (stack.enter_context(backends.Capture(faults.named(name))) for name in "ab")
        sick.play(faults.hang)
        folder.write("site.yaml", *served("site", sick.port, well.port))
        folder.write("ingress.yaml", ingress("site", rule("site.test", path("/", "site")), annotations=WHOLE))
        with portico.Portico(folder) as program:

            def ejected():
                assert wire.get(program.http, "site.test", method="POST", body=b"x").status in (200, 504)
                return program.metric("portico_endpoint_ejections_total") > 0

            portico.eventually(ejected, what="the ejection")


# ---- tunnels


def conversation(program, host, target, talk):
    """What `talk(connection)` returns."""

    async def converse():
        address, port = program.http
        uri = f"ws://{host}{target}"
        async with websockets.connect(uri, host=address, port=port, open_timeout=portico.PATIENCE, ping_interval=None) as connection:
            return await asyncio.wait_for(talk(connection), portico.PATIENCE)

    return asyncio.run(converse())


async def longest_gap(act, seconds):
    """Acts again and again for so long. The longest time that one took to come after the other, and whether it was cut."""
    begun = last = time.monotonic()
    longest, is_cut = 0, False
    while last - begun < seconds and not is_cut:
        try:
            await act()
        except websockets.ConnectionClosed:
            is_cut = True
        now = time.monotonic()
        longest, last = max(longest, now - last), now
    return longest, is_cut


def assert_stays_open(program, target, act, before=None):
    """Twice as long as silence may last. A machine that was held up itself proves nothing."""

    async def talk(connection):
        if before:
            await connection.send(before)
        return await longest_gap(lambda: act(connection), 2 * SILENCE)

    def stayed():
        longest, is_cut = conversation(program, "chat.read.test", target, talk)
        assert not is_cut or longest > SILENCE / 2, "cut though it was not silent"
        return not is_cut

    portico.eventually(stayed, what="a conversation without a gap")


def test_a_tunnel_is_not_bounded_by_the_whole_time(program):
    async def talk(connection):
        await connection.send("talk")
        return await longest_gap(connection.recv, 2)

    _, is_cut = conversation(program, "chat.whole.test", "/long", talk)
    assert not is_cut


def test_a_tunnel_that_is_silent_both_ways_is_closed_on_both_sides(program, talker):
    async def talk(connection):
        await connection.wait_closed()
        return time.monotonic(), connection.close_code

    begun = time.monotonic()
    ended, code = conversation(program, "chat.read.test", "/silent", talk)
    assert ended - begun >= SILENCE and code == 1006
    portico.eventually(lambda: "/silent" in talker.ended, what="the backend's end of it")


def test_a_client_that_talks_keeps_a_tunnel_open(program):
    async def act(connection):
        await connection.send("hello")
        await asyncio.sleep(PAUSE)

    assert_stays_open(program, "/client", act)


def test_an_endpoint_that_talks_keeps_a_tunnel_open(program):
    async def act(connection):
        await connection.recv()

    assert_stays_open(program, "/endpoint", act, before="talk")


def test_a_tunnel_whose_endpoint_takes_nothing_is_cut(program, recorded):
    """Its read timeout is long."""
    done = threading.Event()

    def switch(connection):
        connection.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: raw\r\n\r\n")
        done.wait()
        return True

    recorded.play(switch)
    try:
        with wire.Client(program.http) as client:
            assert client.ask(wire.request("send.test", "/", "Connection: Upgrade", "Upgrade: raw")).status == 101
            with pytest.raises(ConnectionError):
                while True:
                    client.socket.sendall(b"x" * (1 << 20))
    finally:
        done.set()


# ---- streams


def test_a_stream_that_falls_silent_is_reset_alone(program):
    grpc = ("content-type", "application/grpc")
    with h2_client.Client(program.http) as client:
        silent = client.open("grpc.read.test", "/stream", grpc, method="POST")
        client.until(lambda: client.streams[silent].body == b"begun")
        assert ("grpc-status", "0") in client.ask("grpc.read.test", "/quick", grpc, method="POST").trailers
        client.until(lambda: client.streams[silent].over)
        assert client.streams[silent].reset is not None
        assert ("grpc-status", "0") in client.ask("grpc.read.test", "/quick", grpc, method="POST").trailers


def test_an_upload_that_is_slower_than_the_read_timeout_is_served(program, recorded):
    """The endpoint has nothing to answer yet."""
    with wire.Client(program.http) as client:
        client.send(wire.request("read.test", "/", "Content-Length: 3", method="POST"))
        begun = time.monotonic()
        for _ in range(3):
            threading.Event().wait(SILENCE)
            client.send(b"x")
        assert client.final_head().status == 200
        assert time.monotonic() - begun > 2 * SILENCE
