"""Slow clients in crowds: whoever behaves is served meanwhile."""

import contextlib
import socket
import time

import portico
import pytest
import wire
from backends import OK

CROWD = 1000
# What one request may take while a crowd stands around: more than any busy machine adds, and less than the minute that the
# crowd itself is given, or what a thousand of them take one after the other.
PATIENCE = 30


@contextlib.contextmanager
def crowd(address, first_bytes, count=CROWD):
    sockets = []
    try:
        for _ in range(count):
            sockets.append(socket.create_connection(address, timeout=wire.SECONDS))
            if first_bytes:
                sockets[-1].sendall(first_bytes)
        yield sockets
    finally:
        for each in sockets:
            each.close()


def slowest_of(program, count=50):
    slowest = 0
    for number in range(count):
        begin = time.monotonic()
        assert wire.get(program.http, "echo.test", f"/{number}").status == 200
        slowest = max(slowest, time.monotonic() - begin)
    return slowest


STARTS = {
    "connections that say nothing": b"",
    "heads that do not end": b"GET / HTTP/1.1\r\nHost: echo.test\r\nX-Slow: ",
    "bodies that do not come": wire.request("echo.test", "/", "Content-Length: 1000", method="POST"),
    "bodies that stop": wire.request("echo.test", "/", "Content-Length: 1000", method="POST") + b"x" * 10,
    "chunks that stop": wire.request("echo.test", "/", "Transfer-Encoding: chunked", method="POST") + b"5\r\nhel",
    "answers that nobody reads": wire.request("echo.test", "/?bytes=200000"),
}


@pytest.mark.parametrize("name", STARTS)
def test_a_normal_client_is_served_among(plain, name):
    with crowd(plain.http, STARTS[name]):
        assert slowest_of(plain) < PATIENCE


def test_handshakes_that_stop_leave_others_alone(plain):
    hello = bytes.fromhex("1603010200010001fc0303")
    with crowd(plain.https, hello):
        assert slowest_of(plain) < PATIENCE


def test_heads_a_byte_at_a_time_leave_others_alone(plain):
    head = wire.request("echo.test")
    with crowd(plain.http, b"", 200) as sockets:
        for byte in head[:-1]:
            for each in sockets:
                each.sendall(bytes([byte]))
        assert slowest_of(plain, 10) < PATIENCE
        for each in sockets:
            each.sendall(head[-1:])
        for each in sockets:
            assert each.recv(100).startswith(b"HTTP/1.1 200")


def test_a_crowd_that_leaves_is_forgotten(plain):
    before = plain.metric("portico_connections_open")
    with crowd(plain.http, STARTS["heads that do not end"]):
        pass
    portico.eventually(lambda: plain.metric("portico_connections_open") <= before + 10, what="connections that are closed")


def test_slow_backends_do_not_hold_up_other_routes(plain, recorded):
    held = []

    def hold(connection):
        held.append(connection)

    recorded.play(hold)
    with crowd(plain.http, wire.request("capture.test"), 200):
        portico.eventually(lambda: len(held) == 200, what="requests at the slow backend")
        assert slowest_of(plain) < PATIENCE
        for connection in held:
            connection.send(OK)
