"""WebSockets between a library's client and a library's server, over HTTP/1.1 and HTTP/2 (RFC 8441), plain and by TLS."""

import asyncio
import contextlib
import itertools
import os
import threading

import certificates
import h2_client
import portico
import pytest
import websockets
import wire
from manifests import ingress, path, rule, served, tls_secret
from websockets.connection import Connection, Side, State
from websockets.frames import Opcode

HOST = "chat.test"
ECHO_HOST = "echo.chat.test"
FIELDS = [("sec-websocket-version", "13"), ("origin", "https://chat.test")]
MIB = 1 << 20
NO_CLOSE_FRAME = 1006
NUMBERS = itertools.count()  # a path for each conversation


class Backend:
    """Echoes messages, but `close CODE` closes with it, `ping` pings and says so once the pong is there, and `cut` ends
    the connection without a word. `codes` has how each conversation ended, by the path that it asked for."""

    def __init__(self):
        self.codes = {}
        self.paths = []
        self._loop = asyncio.new_event_loop()
        started = threading.Event()
        threading.Thread(target=self._run, args=(started,), daemon=True).start()
        assert started.wait(portico.PATIENCE)

    def _run(self, started):
        asyncio.set_event_loop(self._loop)
        serve = websockets.serve(self._converse, "127.0.0.1", 0, max_size=None, subprotocols=["b", "c"], ping_interval=None)
        server = self._loop.run_until_complete(serve)
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        self._loop.run_forever()

    async def _converse(self, connection):
        self.paths.append(connection.path)
        with contextlib.suppress(websockets.ConnectionClosed):
            async for message in connection:
                await self._answer(connection, message)
        await connection.wait_closed()
        self.codes[connection.path] = connection.close_code

    async def _answer(self, connection, message):
        if message == "ping":
            await (await connection.ping())
            await connection.send("ponged")
        elif message == "cut":
            connection.transport.abort()
        elif isinstance(message, str) and message.startswith("close "):
            await connection.close(int(message.split()[1]), "as asked")
        else:
            await connection.send(message)


class Http1Bytes:
    """The bytes of a WebSocket after HTTP/1.1's 101."""

    def __init__(self, address, host, target, secure):
        self.client = wire.Client(address, **secure)
        key = "dGhlIHNhbXBsZSBub25jZQ=="
        lines = ["Connection: Upgrade", "Upgrade: websocket", f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Protocol: a, b"]
        self.head = self.client.ask(wire.request(host, target, *lines, *(f"{name}: {value}" for name, value in FIELDS)))
        assert self.head.status == 101 and self.head.field("sec-websocket-accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

    def send(self, data):
        self.client.send(data)

    def finish(self):
        self.client.finish_writing()

    def receive(self):
        """What comes next, b"" at the end."""
        if not self.client.buffer:
            self.client.fill()
        data, self.client.buffer = self.client.buffer, b""
        return data

    def close(self):
        self.client.close()


class Http2Bytes:
    """The bytes of a WebSocket on a stream of HTTP/2."""

    def __init__(self, address, host, target, secure):
        self.client = h2_client.Client(address, **secure)
        self.client.until(lambda: self.client.settings)
        assert self.client.settings[h2_client.h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL] == 1
        self.number = self.client.connect(host, target, "websocket", ("sec-websocket-protocol", "a, b"), *FIELDS)
        self.head = self.stream = self.client.streams[self.number]
        self.client.until(lambda: self.stream.status)
        assert self.stream.status == 200, self.stream

    def send(self, data):
        self.client.send(self.number, data)

    def finish(self):
        self.client.h2.end_stream(self.number)
        self.client.flush()

    def receive(self):
        self.client.until(lambda: self.stream.body or self.stream.over)
        data, self.stream.body = self.stream.body, b""
        return data

    def close(self):
        self.client.close()


class Socket:
    """A WebSocket over either, by the library's part that does no I/O."""

    def __init__(self, stream, target):
        self.stream = stream
        self.target = target
        self.protocol = Connection(Side.CLIENT, State.OPEN, max_size=None)
        self.frames = []

    def flush(self):
        for data in self.protocol.data_to_send():
            if data:
                self.stream.send(data)

    def receive(self):
        """The next frame, or None at the end."""
        while not self.frames:
            data = self.stream.receive()
            if not data:
                return None
            self.protocol.receive_data(data)
            self.flush()
            self.frames += self.protocol.events_received()
        return self.frames.pop(0)

    def message(self):
        pieces = []
        while frame := self.receive():
            if frame.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
                pieces.append(frame.data)
                if frame.fin:
                    return b"".join(pieces)
        raise wire.Cut()

    def returned(self, message):
        if isinstance(message, str):
            self.protocol.send_text(message.encode())
        else:
            self.protocol.send_binary(message)
        self.flush()
        return self.message()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.close()


@pytest.fixture(scope="module")
def backend():
    return Backend()


@pytest.fixture(scope="module")
def pair():
    return certificates.self_signed(HOST, ECHO_HOST)


@pytest.fixture(scope="module")
def program(module_folder, backend, echo, pair):
    module_folder.write("chat.yaml", *served("chat", backend.port), *served("echo", echo.port))
    rules = [rule(HOST, path("/", "chat")), rule(ECHO_HOST, path("/", "echo"))]
    module_folder.write("secret.yaml", tls_secret("pair", pair))
    module_folder.write("ingress.yaml", ingress("chat", *rules, tls={"pair": []}, annotations={"ssl-redirect": "false"}))
    with portico.Portico(module_folder) as running:
        yield running


@pytest.fixture(params=["HTTP/1.1", "HTTP/1.1 TLS", "HTTP/2", "HTTP/2 TLS"])
def connect(request, program, pair):
    kind, *tls = request.param.split()
    streams = {"HTTP/1.1": Http1Bytes, "HTTP/2": Http2Bytes}

    def connected(host=HOST):
        secure = {"tls_context": pair.context(), "tls_name": host} if tls else {}
        target = f"/chat/{next(NUMBERS)}"
        return Socket(streams[kind](program.https if tls else program.http, host, target, secure), target)

    return connected


@pytest.fixture
def chat(connect):
    with connect() as socket:
        yield socket


def test_the_handshake_is_the_backends(chat, backend):
    assert chat.returned("hello") == b"hello"
    assert chat.stream.head.field("sec-websocket-protocol") == "b"
    assert chat.target in backend.paths


def test_messages_of_all_sizes_come_back(chat):
    for size in (0, 1, 125, 126, 65535, 65536, MIB, 8 * MIB):
        message = os.urandom(size)
        assert chat.returned(message) == message


def test_a_message_in_pieces_comes_back(chat):
    chat.protocol.send_text(b"in ", fin=False)
    chat.protocol.send_continuation(b"three ", fin=False)
    chat.protocol.send_continuation(b"pieces", fin=True)
    chat.flush()
    assert chat.message() == b"in three pieces"


def test_pings_are_answered_both_ways(chat):
    chat.protocol.send_ping(b"are you there")
    chat.flush()
    frame = chat.receive()
    assert (frame.opcode, frame.data) == (Opcode.PONG, b"are you there")
    assert chat.returned("ping") == b"ponged"


@pytest.mark.parametrize("code", [1000, 1001, 3000, 4999])
def test_the_clients_close_code_reaches_the_backend(chat, backend, code):
    chat.protocol.send_close(code, "done")
    chat.flush()
    assert chat.receive().opcode is Opcode.CLOSE and chat.receive() is None
    chat.stream.close()
    assert portico.eventually(lambda: backend.codes[chat.target], what="the end of the conversation") == code


@pytest.mark.parametrize("code", [1000, 1011, 4001])
def test_the_backends_close_code_reaches_the_client(chat, code):
    chat.protocol.send_text(f"close {code}".encode())
    chat.flush()
    assert chat.receive().opcode is Opcode.CLOSE
    assert chat.protocol.close_rcvd.code == code and chat.protocol.close_rcvd.reason == "as asked"
    assert chat.receive() is None


@pytest.mark.parametrize("connect", ["HTTP/1.1", "HTTP/2", "HTTP/2 TLS"], indirect=True)
def test_a_client_that_has_finished_writing_still_reads(connect):
    """Not by TLS over HTTP/1.1, which Python's ssl cannot close halfway; and with the echo program, because the library's
    server drops a connection that is half closed."""
    with connect(ECHO_HOST) as chat:
        chat.protocol.send_text(b"last words")
        chat.protocol.send_close(1000)
        chat.flush()
        chat.stream.finish()
        assert chat.message() == b"last words"
        assert chat.receive().opcode is Opcode.CLOSE and chat.receive() is None


def test_a_client_that_vanishes_is_missed_by_the_backend(connect, backend):
    with connect() as chat:
        assert chat.returned("hello") == b"hello"
    assert portico.eventually(lambda: backend.codes[chat.target], what="the end of the conversation") == NO_CLOSE_FRAME


def test_a_backend_that_vanishes_is_missed_by_the_client(chat):
    chat.protocol.send_text(b"cut")
    chat.flush()
    assert chat.receive() is None


def test_a_conversation_outlives_changes(chat, program, module_folder, echo, pair):
    assert chat.returned("before") == b"before"
    module_folder.write("more.yaml", *served("more", echo.port), ingress("more", rule("more.test", path("/", "more"))))
    portico.eventually(lambda: wire.get(program.http, "more.test").status == 200, what="the new host")
    assert chat.returned("after") == b"after"
    module_folder.remove("more.yaml")
    portico.eventually(lambda: wire.get(program.http, "more.test").status == 404, what="the end of the host")
    assert chat.returned("and after that") == b"and after that"


def test_conversations_share_a_connection_of_http2(program):
    with h2_client.Client(program.http) as client:
        client.until(lambda: client.settings)
        streams = [client.connect(HOST, "/chat", "websocket", *FIELDS) for _ in range(20)]
        client.until(lambda: all(client.streams[number].status for number in streams))
        for number in streams:
            protocol = Connection(Side.CLIENT, State.OPEN)
            protocol.send_text(f"on stream {number}".encode())
            client.send(number, b"".join(protocol.data_to_send()))
        for number in streams:
            words = f"on stream {number}".encode()
            client.until(lambda number=number: len(client.streams[number].body) >= 2)
            client.until(lambda number=number, words=words: client.streams[number].body[2:] == words)
