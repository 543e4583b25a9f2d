"""Answers with two readings: the client gets a 502, or one answer with one reading, or sees the cut. Never two answers,
never a field that the backend did not write as one. More of the kind: upstream_faults_test.py."""

import re

import pytest
import wire
from backends import OK, closing

EVIL = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"


def answer(*lines, status=b"HTTP/1.1 200 OK", body=b""):
    return b"\r\n".join([status, *lines, b"", body])


REFUSED = {
    "chunked and a length": answer(b"Transfer-Encoding: chunked", b"Content-Length: 5", body=b"0\r\n\r\n" + EVIL),
    "chunked twice": answer(b"Transfer-Encoding: chunked, chunked", body=b"0\r\n\r\n"),
    "chunked on two lines": answer(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
    "chunked not last": answer(b"Transfer-Encoding: chunked, gzip", body=b"0\r\n\r\n"),
    "identity": answer(b"Transfer-Encoding: identity", b"Content-Length: 2", body=b"ok"),
    "quoted coding": answer(b'Transfer-Encoding: "chunked"', body=b"0\r\n\r\n"),
    "chunked in HTTP/1.0": answer(b"Transfer-Encoding: chunked", status=b"HTTP/1.0 200 OK", body=b"0\r\n\r\n"),
    "equal lengths": answer(b"Content-Length: 2", b"Content-Length: 2", body=b"ok"),
    "a list of lengths": answer(b"Content-Length: 2, 2", body=b"ok"),
    "length with a plus": answer(b"Content-Length: +2", body=b"ok"),
    "length with a minus": answer(b"Content-Length: -2", body=b"ok"),
    "length in hex": answer(b"Content-Length: 0x2", body=b"ok"),
    "empty length": answer(b"Content-Length: ", body=b"ok"),
    "length beyond 64 bits": answer(b"Content-Length: 18446744073709551618", body=b"ok"),
    "space before the colon": answer(b"Transfer-Encoding : chunked", body=b"0\r\n\r\n"),
    "space before the first field": answer(b" X-A: b", b"Content-Length: 2", body=b"ok"),
    "folded field": answer(b"X-A: b", b" Set-Cookie: c=d", b"Content-Length: 2", body=b"ok"),
    "bare LF after the status line": b"HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\nok",
    "bare LF after a field": answer(b"X-A: b\nSet-Cookie: c=d", b"Content-Length: 2", body=b"ok"),
    "only bare LFs": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    "bare CR in a value": answer(b"X-A: b\rSet-Cookie: c=d", b"Content-Length: 2", body=b"ok"),
    "bare CR in the reason": answer(b"Content-Length: 2", status=b"HTTP/1.1 200 O\rK", body=b"ok"),
    "NUL in a name": answer(b"X\0A: b", b"Content-Length: 2", body=b"ok"),
    "empty name": answer(b": b", b"Content-Length: 2", body=b"ok"),
    "no colon": answer(b"nonsense", b"Content-Length: 2", body=b"ok"),
    "status of two digits": answer(status=b"HTTP/1.1 99 Low"),
    "status of four digits": answer(status=b"HTTP/1.1 2000 High"),
    "status with a sign": answer(status=b"HTTP/1.1 +20 OK"),
    "status in letters": answer(status=b"HTTP/1.1 2OO OK"),
    "two spaces before the status": answer(status=b"HTTP/1.1  200 OK"),
    "tab before the status": answer(status=b"HTTP/1.1\t200 OK"),
    "another version": answer(status=b"HTTP/2.0 200 OK"),
    "lower-case version": answer(status=b"http/1.1 200 OK"),
    "HTTP/0.9": b"<html>evil</html>\r\n\r\n",
    "101 unasked": answer(b"Upgrade: websocket", b"Connection: Upgrade", status=b"HTTP/1.1 101 Switching Protocols", body=EVIL),
    "a request": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "TLS": b"\x16\x03\x03\x00\x7a" + b"\0" * 40 + b"\r\n\r\n",
}


@pytest.mark.parametrize("name", REFUSED)
def test_is_502(plain, recorded, name):
    recorded.play(closing(REFUSED[name]), OK)
    with wire.Client(plain.http) as client:
        refused = client.ask(wire.request("capture.test", method="POST", body=b""), "POST")
        assert refused.status == 502 and b"evil" not in refused.body and refused.field("set-cookie") is None
        assert client.ask(wire.request("capture.test")).body == b"ok"
    assert len(recorded.connections) == 2, "the connection was used again"


LEFT_OVER = {
    "another answer": OK + EVIL,
    "an interim answer": OK + b"HTTP/1.1 100 Continue\r\n\r\n",
    "one byte": OK + b"x",
    "a line end": OK + b"\r\n",
    "an answer behind chunks": answer(b"Transfer-Encoding: chunked", body=b"2\r\nok\r\n0\r\n\r\n") + EVIL,
    "an answer behind one without a body": b"HTTP/1.1 204 No Content\r\n\r\n" + EVIL,
    "a body behind a 204": b"HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nevil",
    "chunks behind a 204": b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nevil\r\n0\r\n\r\n",
    "a body behind a 304": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\nevil",
}


@pytest.mark.parametrize("name", LEFT_OVER)
def test_what_is_left_over_is_nobodys(plain, recorded, name):
    recorded.play(LEFT_OVER[name], OK)
    with wire.Client(plain.http) as client:
        first = client.ask(wire.request("capture.test"))
        assert first.status in (200, 204, 304) and b"evil" not in first.body
        for _ in range(2):
            assert client.ask(wire.request("capture.test")).body == b"ok"


CUT = {
    "no CRLF after chunk data": b"4\r\nhalfX0\r\n\r\n",
    "a chunk size with a minus": b"4\r\nhalf\r\n-1\r\n",
    "a chunk size with a space": b"4\r\nhalf\r\n 4\r\nevil\r\n0\r\n\r\n",
    "a chunk size with a bare LF": b"4\r\nhalf\r\n4\nevil\r\n0\r\n\r\n",
    "an endless extension": b"4\r\nhalf\r\n4;" + b"x" * 200_000,
    "endless trailers": b"4\r\nhalf\r\n0\r\n" + b"X-A: b\r\n" * 20_000,
    "a trailer that names a length": b"4\r\nhalf\r\n0\r\nContent-Length: 4\r\n\r\n",
    "a trailer with a bare CR": b"4\r\nhalf\r\n0\r\nX-A: b\rSet-Cookie: c\r\n\r\n",
}


@pytest.mark.parametrize("name", CUT)
def test_a_body_that_goes_bad_is_seen_as_cut(plain, recorded, name):
    recorded.play(closing(answer(b"Transfer-Encoding: chunked", body=CUT[name])))
    with wire.Client(plain.http) as client:
        client.send(wire.request("capture.test", method="POST", body=b""))
        raw = client.rest()
    assert not re.search(rb"\r\n0\r\n(?:[^\r\n]+\r\n)*\r\n$", raw), raw
    assert b"evil" not in raw and b"Set-Cookie" not in raw and raw.count(b"HTTP/1.1 ") <= 1


PASSES = {
    "no reason": (b"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok", b"ok"),
    "a status that nobody registered": (b"HTTP/1.1 599 Odd\r\nContent-Length: 2\r\n\r\nok", b"ok"),
    "HTTP/1.0": (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", b"ok"),
    "interim answers first": (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 3 + OK, b"ok"),
    "extensions": (answer(b"Transfer-Encoding: chunked", body=b"2;a=b\r\nok\r\n0;c\r\n\r\n"), b"ok"),
}


@pytest.mark.parametrize("name", PASSES)
def test_passes_with_one_reading(plain, recorded, name):
    raw, body = PASSES[name]
    recorded.play(raw, OK)
    with wire.Client(plain.http) as client:
        assert client.ask(wire.request("capture.test")).body == body
        assert client.ask(wire.request("capture.test")).body == b"ok"
