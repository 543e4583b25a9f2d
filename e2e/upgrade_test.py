"""Upgrades: from the 101 on, a tunnel of bytes whose two directions end apart."""

import os

import portico
import pytest
import wire

RAW = wire.request("echo.test", "/", "Connection: Upgrade", "Upgrade: raw")
WEBSOCKET = wire.request(
    "echo.test",
    "/chat",
    "Connection: keep-alive, Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)


def masked_frame(payload, opcode=2):
    mask = os.urandom(4)
    length = bytes([0x80 | len(payload)]) if len(payload) < 126 else bytes([0x80 | 126]) + len(payload).to_bytes(2, "big")
    return bytes([0x80 | opcode]) + length + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


@pytest.fixture
def tunnel(plain):
    with wire.Client(plain.http) as client:
        assert client.ask(RAW).status == 101
        yield client


def test_a_websocket_handshake_and_its_messages_pass(plain):
    with wire.Client(plain.http) as client:
        answer = client.ask(WEBSOCKET)
        assert answer.status == 101 and answer.field("upgrade").lower() == "websocket"
        assert answer.field("connection").lower() == "upgrade"
        assert answer.field("sec-websocket-accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        for payload in (b"hello", b"x" * 60_000):
            client.send(masked_frame(payload))
            head = client.exactly(2)
            size = head[1] if head[1] < 126 else int.from_bytes(client.exactly(2), "big")
            assert head[0] == 0x82 and client.exactly(size) == payload
        client.send(masked_frame(b"\x03\xe8", opcode=8))
        assert client.exactly(4) == b"\x88\x02\x03\xe8" and client.ended()


def test_bytes_sent_with_the_handshake_are_not_lost(plain):
    with wire.Client(plain.http) as client:
        assert client.ask(RAW + b"first words").status == 101
        assert client.exactly(11) == b"first words"


def test_a_tunnel_carries_what_looks_like_http(tunnel):
    words = wire.request("echo.test", "/not-a-request")
    assert tunnel.send(words).exactly(len(words)) == words


def test_a_tunnel_carries_megabytes_both_ways(tunnel):
    block = os.urandom(1 << 16)
    for _ in range(64):
        assert tunnel.send(block).exactly(len(block)) == block


def test_the_client_may_finish_first_and_still_read(tunnel):
    tunnel.send(b"last words")
    tunnel.finish_writing()
    assert tunnel.rest() == b"last wordsbye\n"


def test_the_backend_may_finish_first_and_still_read(plain, recorded):
    def half_close(connection):
        connection.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: raw\r\n\r\nover")
        connection.socket.shutdown(1)
        while connection.fill():
            pass
        return True

    recorded.play(half_close)
    with wire.Client(plain.http) as client:
        assert client.ask(wire.request("capture.test", "/", "Connection: Upgrade", "Upgrade: raw")).status == 101
        assert client.rest() == b"over"
        client.send(b"still heard").finish_writing()
        assert client.ended()
    portico.eventually(lambda: recorded.received().endswith(b"still heard"))


def test_a_backend_may_decline(plain, recorded):
    with wire.Client(plain.http) as client:
        answer = client.ask(wire.request("capture.test", "/", "Connection: Upgrade", "Upgrade: raw"))
        assert (answer.status, answer.body) == (200, b"ok")
        assert client.ask(wire.request("echo.test", "/next")).status == 200


def test_a_101_that_no_one_asked_for_is_502(plain, recorded):
    recorded.play(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: raw\r\n\r\n")
    assert wire.get(plain.http, "capture.test").status == 502


@pytest.mark.parametrize("protocol", ["h2c", "H2C", "websocket, h2c"])
def test_an_upgrade_to_h2c_is_never_passed_on(plain, recorded, protocol):
    lines = ["Connection: Upgrade, HTTP2-Settings", f"Upgrade: {protocol}", "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA"]
    answer = wire.get(plain.http, "capture.test", "/", *lines)
    assert answer.status in (200, 400)
    assert b"h2c" not in recorded.received().lower() and b"http2-settings" not in recorded.received().lower()


def test_upgrade_without_connection_is_dropped(plain, recorded):
    assert wire.get(plain.http, "capture.test", "/", "Upgrade: websocket").status == 200
    assert b"upgrade" not in recorded.received().lower()


def test_a_client_that_resets_its_tunnel_ends_it_at_the_backend(plain, recorded):
    closed = []

    def hold(connection):
        connection.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: raw\r\n\r\n")
        while connection.fill():
            pass
        closed.append(True)
        return True

    recorded.play(hold)
    with wire.Client(plain.http) as client:
        assert client.ask(wire.request("capture.test", "/", "Connection: Upgrade", "Upgrade: raw")).status == 101
    portico.eventually(lambda: closed, what="the end of the tunnel at the backend")
