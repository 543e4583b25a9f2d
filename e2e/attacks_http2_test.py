"""HTTP/2 to HTTP/1: what a field or a pseudo-header may smuggle into the other grammar. See attack.py for the oracle."""

import contextlib
import dataclasses
import socket
import struct

import attack
import hpack
import pytest
import wire
from attack import HOST
from floods import DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PREFACE, RST_STREAM, SETTINGS, frame, literal

SECONDS = wire.SECONDS
GET = [(":method", "GET"), (":scheme", "http"), (":authority", HOST), (":path", "/seen")]
POST = [(":method", "POST"), *GET[1:]]


def with_pseudo(name, value, head=tuple(GET)):
    return [(key, value if key == name else old) for key, old in head]


@dataclasses.dataclass
class Answer:
    status: int | None = None
    reset: int | None = None
    goaway: int | None = None
    closed: bool = False

    @property
    def over(self):
        return self.status or self.reset is not None or self.closed


def talk(address, head, *data, trailers=None):
    """Sends the fields exactly as they are; what was said to that."""
    fields = [frame(HEADERS, END_HEADERS | (0 if data or trailers else END_STREAM), 1, b"".join(literal(*one) for one in head))]
    fields += [frame(DATA, END_STREAM if piece is data[-1] and not trailers else 0, 1, piece) for piece in data]
    if trailers:
        fields.append(frame(HEADERS, END_HEADERS | END_STREAM, 1, b"".join(literal(*one) for one in trailers)))
    with socket.create_connection(address, SECONDS) as client:
        with contextlib.suppress(ConnectionError):  # what was said to that can still be read
            client.sendall(PREFACE + frame(SETTINGS, 0, 0) + b"".join(fields))
        return listen(client)


def listen(client):
    answer, received, decoder = Answer(), b"", hpack.Decoder()
    while not answer.over:
        try:
            data = client.recv(1 << 16)
        except ConnectionError:
            data = b""
        answer.closed = not data
        received += data
        while len(received) >= 9 and len(received) >= 9 + (size := int.from_bytes(received[:3], "big")):
            kind, stream, payload = received[3], int.from_bytes(received[5:9], "big"), received[9 : 9 + size]
            received = received[9 + size :]
            if kind == HEADERS and stream == 1:
                answer.status = int(dict(decoder.decode(payload))[":status"])
            elif kind == RST_STREAM and stream == 1:
                (answer.reset,) = struct.unpack(">I", payload)
            elif kind == GOAWAY:
                (answer.goaway,) = struct.unpack_from(">I", payload, 4)
    return answer


def seen(program, recorded):
    """The whole requests at the backend; one of HTTP/1 marks that nothing more comes."""
    assert wire.get(program.http, HOST, "/marker").status == 200
    requests = attack.arrived(recorded)
    assert [request for request in requests if attack.is_marker(request)]
    return [request for request in requests if not attack.is_marker(request)]


NAMES_AND_VALUES = {
    "CR LF in a value": ("x-a", "b\r\nX-Injected: 1"),
    "LF in a value": ("x-a", "b\nX-Injected: 1"),
    "CR in a value": ("x-a", "b\rX-Injected: 1"),
    "NUL in a value": ("x-a", "b\0c"),
    "CR LF in a name": ("x-a: b\r\nx-injected", "1"),
    "a colon in a name": ("x-a:b", "c"),
    "a space in a name": ("x-a b", "c"),
    "a space before a name": (" x-a", "c"),
    "a tab in a name": ("x-a\t", "c"),
    "an upper-case name": ("X-A", "b"),
    "an empty name": ("", "b"),
    "Transfer-Encoding": ("transfer-encoding", "chunked"),
    "Connection": ("connection", "close"),
    "Keep-Alive": ("keep-alive", "timeout=5"),
    "Proxy-Connection": ("proxy-connection", "keep-alive"),
    "Upgrade": ("upgrade", "websocket"),
    "TE beyond trailers": ("te", "gzip"),
    "a Host that differs": ("host", "echo.test"),
    "a late pseudo-header": (":path", "/other"),
    "an unknown pseudo-header": (":x", "y"),
    "an answer's pseudo-header": (":status", "200"),
    "a protocol without CONNECT": (":protocol", "websocket"),
    "two Content-Lengths": ("content-length", "1, 2"),
    "a Content-Length that is none": ("content-length", "+0"),
    "a Content-Length without a body": ("content-length", "5"),
}


@pytest.mark.parametrize("case", NAMES_AND_VALUES)
def test_a_field_that_means_something_else_in_http1_is_refused(plain, recorded, case):
    answer = talk(plain.http, [*GET, NAMES_AND_VALUES[case]])
    assert answer.reset or answer.goaway or 400 <= (answer.status or 0) < 500, answer
    assert seen(plain, recorded) == []


PSEUDO = {
    "a target with a space": with_pseudo(":path", "/seen HTTP/1.1"),
    "a target with CR LF": with_pseudo(":path", "/seen HTTP/1.1\r\nX-Injected: 1"),
    "a target that is relative": with_pseudo(":path", "seen"),
    "a target that is absolute": with_pseudo(":path", f"http://{HOST}/seen"),
    "an empty target": with_pseudo(":path", ""),
    "a method with a space": with_pseudo(":method", "GET /x HTTP/1.1\r\nHost: x\r\n\r\nGET"),
    "an empty method": with_pseudo(":method", ""),
    "an authority with CR LF": with_pseudo(":authority", f"{HOST}\r\nX-Injected: 1"),
    "an authority with a path": with_pseudo(":authority", f"{HOST}/x"),
    "an authority with a user": with_pseudo(":authority", f"user@{HOST}"),
    "an empty authority": with_pseudo(":authority", ""),
    "no method": GET[1:],
    "no scheme": [GET[0], *GET[2:]],
    "no path": GET[:3],
    "two methods": [GET[0], *GET],
    "two paths": [*GET, (":path", "/other")],
    "two authorities": [*GET[:3], (":authority", "echo.test"), GET[3]],
    "CONNECT with a path": with_pseudo(":method", "CONNECT"),
    "CONNECT": [(":method", "CONNECT"), (":authority", f"{HOST}:80")],
}


@pytest.mark.parametrize("case", PSEUDO)
def test_a_pseudo_header_that_is_none_is_refused(plain, recorded, case):
    answer = talk(plain.http, PSEUDO[case])
    assert answer.reset or answer.goaway or 400 <= (answer.status or 0) < 502, answer
    assert seen(plain, recorded) == []


BODIES = {
    "less than Content-Length": ("10", [b"hello"]),
    "more than Content-Length": ("3", [b"hello"]),
    "more than Content-Length, in pieces": ("5", [b"hello", b"GET /hidden HTTP/1.1\r\nHost: capture.test\r\n\r\n"]),
    "a body where Content-Length is 0": ("0", [b"GET /hidden HTTP/1.1\r\nHost: capture.test\r\n\r\n"]),
}


@pytest.mark.parametrize("case", BODIES)
def test_a_body_of_another_length_is_no_request(plain, recorded, case):
    length, data = BODIES[case]
    answer = talk(plain.http, [*POST, ("content-length", length)], *data)
    assert answer.reset or answer.goaway or 400 <= (answer.status or 0) < 500, answer
    assert seen(plain, recorded) == []


TRAILERS = {
    "a pseudo-header": (":path", "/other"),
    "CR LF": ("x-a", "b\r\n\r\nGET /hidden HTTP/1.1"),
    "Transfer-Encoding": ("transfer-encoding", "chunked"),
}


@pytest.mark.parametrize("case", TRAILERS)
def test_a_trailer_that_is_none_is_refused(plain, recorded, case):
    answer = talk(plain.http, POST, b"hello", trailers=[TRAILERS[case]])
    assert answer.reset or answer.goaway or 400 <= (answer.status or 0) < 500, answer
    assert seen(plain, recorded) == []


@pytest.mark.parametrize("name", ["content-length", "host", "authorization", "x-forwarded-for"])
def test_a_trailer_never_becomes_a_field(plain, recorded, name):
    talk(plain.http, POST, b"hello", trailers=[(name, "5")])
    for request in seen(plain, recorded):
        assert b"5" not in request.all(name) and not [key for key, _ in request.trailers if key.lower() == name.encode()]


def test_a_request_without_a_length_has_one_reading(plain, recorded):
    assert talk(plain.http, POST, b"hel", b"lo").status == 200
    request, = seen(plain, recorded)
    assert request.body == b"hello" and request.target == b"/seen"


def test_cookies_arrive_as_one(plain, recorded):
    assert talk(plain.http, [*GET, ("cookie", "a=1"), ("cookie", "b=2"), ("cookie", "c=3")]).status == 200
    request, = seen(plain, recorded)
    assert request.all("cookie") == [b"a=1; b=2; c=3"]


def test_the_scheme_is_the_connections(plain, recorded):
    answer = talk(plain.http, with_pseudo(":scheme", "https"))
    for request in seen(plain, recorded):
        assert request.field("x-forwarded-proto") == b"http"
    assert answer.status in (200, 400) or answer.reset


def test_a_host_that_agrees_is_one(plain, recorded):
    assert talk(plain.http, [*GET, ("host", HOST)]).status == 200
    request, = seen(plain, recorded)
    assert request.all("host") == [HOST.encode()]
