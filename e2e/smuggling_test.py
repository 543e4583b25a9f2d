"""Requests with two readings. The oracle is what reaches the backend: nothing, with a 4xx and a close, or exactly one
request whose framing has one reading. A status alone proves nothing."""

import re

import pytest
import wire

HIDDEN = "GET /hidden HTTP/1.1\r\nHost: capture.test\r\n\r\n"


def post(*lines, body=""):
    return "\r\n".join(["POST /seen HTTP/1.1", "Host: capture.test", *lines, "", body])


REFUSED = {
    # two framings
    "length and chunked": post("Content-Length: 5", "Transfer-Encoding: chunked", body="0\r\n\r\n" + HIDDEN),
    "chunked and length": post("Transfer-Encoding: chunked", "Content-Length: 5", body="0\r\n\r\n" + HIDDEN),
    "unequal lengths": post("Content-Length: 0", "Content-Length: 5", body=HIDDEN),
    "unequal lengths in a list": post("Content-Length: 0, 5", body=HIDDEN),
    "chunked twice": post("Transfer-Encoding: chunked, chunked", body="0\r\n\r\n"),
    "chunked on two lines": post("Transfer-Encoding: chunked", "Transfer-Encoding: chunked", body="0\r\n\r\n"),
    "identity": post("Transfer-Encoding: identity", body=HIDDEN),
    "chunked not last": post("Transfer-Encoding: chunked, identity", body="0\r\n\r\n"),
    "unknown coding": post("Transfer-Encoding: gzip, chunked", body="0\r\n\r\n"),
    "quoted coding": post('Transfer-Encoding: "chunked"', body="0\r\n\r\n"),
    "coding with a parameter": post("Transfer-Encoding: chunked;q=1", body="0\r\n\r\n"),
    "coding with a control byte": post("Transfer-Encoding: \x0bchunked", body="0\r\n\r\n"),
    "empty coding": post("Transfer-Encoding:", body=HIDDEN),
    "coding in HTTP/1.0": post("Transfer-Encoding: chunked", body="0\r\n\r\n").replace("HTTP/1.1", "HTTP/1.0"),
    # numbers
    "length with a plus": post("Content-Length: +5", body="hello"),
    "length with a minus": post("Content-Length: -5", body="hello"),
    "length in hex": post("Content-Length: 0x5", body="hello"),
    "length with an underscore": post("Content-Length: 1_0", body="hello"),
    "length with a space inside": post("Content-Length: 1 0", body="hello"),
    "empty length": post("Content-Length: ", body="hello"),
    "length beyond 64 bits": post("Content-Length: 18446744073709551616", body="hello"),
    "length with a point": post("Content-Length: 5.0", body="hello"),
    # whitespace and line ends
    "space before the colon": post("Content-Length : 5", body="hello"),
    "tab before the colon": post("Transfer-Encoding\t: chunked", body="0\r\n\r\n"),
    "space before the first field": "GET / HTTP/1.1\r\n Host: capture.test\r\n\r\n",
    "folded field": post("X-Folded: a", " b: c", "Content-Length: 0"),
    "bare LF after the request line": "GET / HTTP/1.1\nHost: capture.test\r\n\r\n",
    "bare LF after a field": "GET / HTTP/1.1\r\nHost: capture.test\nX-A: b\r\n\r\n",
    "bare LF at the end": "GET / HTTP/1.1\r\nHost: capture.test\r\n\n",
    "bare CR in a value": post("X-A: b\rContent-Length: 5", "Content-Length: 0"),
    "CR CR LF": "GET / HTTP/1.1\r\r\nHost: capture.test\r\n\r\n",
    "NUL in a value": post("X-A: b\0c", "Content-Length: 0"),
    "tab in the request line": "GET\t/ HTTP/1.1\r\nHost: capture.test\r\n\r\n",
    "two spaces in the request line": "GET  / HTTP/1.1\r\nHost: capture.test\r\n\r\n",
    "a space at the end of the request line": "GET / HTTP/1.1 \r\nHost: capture.test\r\n\r\n",
    # names
    "empty name": post(": value", "Content-Length: 0"),
    "NUL in a name": post("X\0A: b", "Content-Length: 0"),
    "space in a name": post("X A: b", "Content-Length: 0"),
    "a field without a colon": post("Nonsense", "Content-Length: 0"),
    # chunked bodies
    "chunk size in words": post("Transfer-Encoding: chunked", body="zz\r\nhello\r\n0\r\n\r\n"),
    "chunk size with 0x": post("Transfer-Encoding: chunked", body="0x5\r\nhello\r\n0\r\n\r\n"),
    "chunk size with a minus": post("Transfer-Encoding: chunked", body="-1\r\nhello\r\n0\r\n\r\n"),
    "chunk size with a plus": post("Transfer-Encoding: chunked", body="+5\r\nhello\r\n0\r\n\r\n"),
    "chunk size beyond 64 bits": post("Transfer-Encoding: chunked", body="10000000000000005\r\nhello\r\n0\r\n\r\n"),
    "chunk size with a bare LF": post("Transfer-Encoding: chunked", body="5\nhello\r\n0\r\n\r\n"),
    "empty chunk size": post("Transfer-Encoding: chunked", body="\r\nhello\r\n0\r\n\r\n"),
    "no CRLF after chunk data": post("Transfer-Encoding: chunked", body="5\r\nhelloX0\r\n\r\n"),
    "endless chunk extension": post("Transfer-Encoding: chunked", body="5;" + "x" * 100_000),
    "endless trailers": post("Transfer-Encoding: chunked", body="0\r\n" + "X-A: b\r\n" * 20_000),
    # host and target
    "no host": "GET / HTTP/1.1\r\n\r\n",
    "two hosts": "GET / HTTP/1.1\r\nHost: capture.test\r\nHost: echo.test\r\n\r\n",
    "the same host twice": "GET / HTTP/1.1\r\nHost: capture.test\r\nHost: capture.test\r\n\r\n",
    "a list of hosts": "GET / HTTP/1.1\r\nHost: capture.test, echo.test\r\n\r\n",
    "user in the host": "GET / HTTP/1.1\r\nHost: user@capture.test\r\n\r\n",
    "path in the host": "GET / HTTP/1.1\r\nHost: capture.test/x\r\n\r\n",
    "space in the host": "GET / HTTP/1.1\r\nHost: capture.test x\r\n\r\n",
    "bad port": "GET / HTTP/1.1\r\nHost: capture.test:80x\r\n\r\n",
    "port out of range": "GET / HTTP/1.1\r\nHost: capture.test:99999\r\n\r\n",
    "fragment": "GET /a#b HTTP/1.1\r\nHost: capture.test\r\n\r\n",
    "control byte in the target": "GET /a\x01b HTTP/1.1\r\nHost: capture.test\r\n\r\n",
    "DEL in the target": "GET /a\x7fb HTTP/1.1\r\nHost: capture.test\r\n\r\n",
    "target without a slash": "GET a HTTP/1.1\r\nHost: capture.test\r\n\r\n",
    "star with GET": "GET * HTTP/1.1\r\nHost: capture.test\r\n\r\n",
    "authority form without CONNECT": "GET capture.test:80 HTTP/1.1\r\nHost: capture.test\r\n\r\n",
    "CONNECT": "CONNECT capture.test:80 HTTP/1.1\r\nHost: capture.test:80\r\n\r\n",
    # versions and methods
    "HTTP/0.9": "GET /\r\n\r\n",
    "HTTP/2.0": "GET / HTTP/2.0\r\nHost: capture.test\r\n\r\n",
    "HTTP/1.10": "GET / HTTP/1.10\r\nHost: capture.test\r\n\r\n",
    "lower-case version": "GET / http/1.1\r\nHost: capture.test\r\n\r\n",
    "the HTTP/2 preface": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "method with a colon": "GE:T / HTTP/1.1\r\nHost: capture.test\r\n\r\n",
    "TLS on the plain port": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + "\x00" * 50 + "\r\n\r\n",
}


@pytest.mark.parametrize("name", REFUSED)
def test_is_refused(plain, recorded, name):
    with wire.Client(plain.http) as client:
        client.send(REFUSED[name])
        answer = client.response()
        assert 400 <= answer.status < 600 and answer.status != 404, f"{name}: {answer}"
        assert client.ended(), f"{name}: the connection stays open"
    # A body that turns out bad may have been streamed in part; it must not have become a second request, nor ended well.
    received = recorded.received()
    assert b"/hidden" not in received
    assert received == b"" or not received.endswith(b"0\r\n\r\n")


ONE_READING = {
    "equal lengths": post("Content-Length: 5", "Content-Length: 5", body="hello"),
    "equal lengths in a list": post("Content-Length: 5, 5", body="hello"),
    "leading zeros": post("Content-Length: 0005", body="hello"),
    "chunked in another case": post("Transfer-Encoding: Chunked", body="5\r\nhello\r\n0\r\n\r\n"),
    "chunk extension": post("Transfer-Encoding: chunked", body="5;a=b\r\nhello\r\n0\r\n\r\n"),
    "chunk size with leading zeros": post("Transfer-Encoding: chunked", body="0005\r\nhello\r\n0\r\n\r\n"),
    "length with an underscore in its name": post("Content_Length: 100", "Content-Length: 5", body="hello"),
    "trailer that names framing": post("Transfer-Encoding: chunked", body="5\r\nhello\r\n0\r\nContent-Length: 99\r\n\r\n"),
    "trailer that names the host": post("Transfer-Encoding: chunked", body="5\r\nhello\r\n0\r\nHost: evil.test\r\n\r\n"),
    "raw bytes beyond ASCII in the target": "GET /\xe4 HTTP/1.1\r\nHost: capture.test\r\n\r\n",
    "body with GET": "GET /seen HTTP/1.1\r\nHost: capture.test\r\nContent-Length: %d\r\n\r\n%s" % (len(HIDDEN), HIDDEN),
    "backslash in the target": "GET /a\\b HTTP/1.1\r\nHost: capture.test\r\n\r\n",
}


def parse_strictly(data):
    """One request and nothing more, or an AssertionError."""
    head, rest = data.split(b"\r\n\r\n", 1)
    first, *lines = head.decode("latin-1").split("\r\n")
    assert re.fullmatch(r"[A-Z]+ /\S* HTTP/1\.1", first), first
    fields = [tuple(line.split(": ", 1)) for line in lines]
    names = [name.lower() for name, _ in fields]
    values = {name.lower(): value for name, value in fields}
    for name in ("host", "content-length", "transfer-encoding"):
        assert names.count(name) <= 1, f"{name} twice in {fields}"
    assert not ("content-length" in values and "transfer-encoding" in values), fields
    if "transfer-encoding" in values:
        assert re.fullmatch(rb"(?:[0-9a-fA-F]+\r\n.+?\r\n)*0\r\n(?:x-[^\r]*\r\n)*\r\n", rest, re.S), rest
    else:
        assert len(rest) == int(values.get("content-length", 0)), data
    return values


@pytest.mark.parametrize("name", ONE_READING)
def test_has_one_reading_or_is_refused(plain, recorded, name):
    with wire.Client(plain.http) as client:
        answer = client.send(ONE_READING[name]).response()
        if answer.status == 200:
            values = parse_strictly(recorded.served())
            assert values["host"] == "capture.test"
            assert "content_length" not in values
        else:
            assert 400 <= answer.status < 500 and recorded.received() == b"" and client.ended()


def test_an_unknown_expectation_is_417(plain, recorded):
    assert wire.get(plain.http, "capture.test", "/", "Expect: miracles", method="POST", body=b"x").status == 417
    assert recorded.received() == b""


def test_what_follows_a_refused_request_is_never_served(plain, recorded):
    with wire.Client(plain.http) as client:
        client.send(REFUSED["unequal lengths"] + HIDDEN * 10)
        assert client.response().status == 400
        assert client.rest() == b""
    assert recorded.received() == b""


def test_absolute_form_that_disagrees_with_host_wins_and_host_is_rewritten(plain, recorded):
    with wire.Client(plain.http) as client:
        client.ask("GET http://capture.test/x HTTP/1.1\r\nHost: echo.test\r\n\r\n")
    (first, fields), = recorded.heads()
    assert first == "GET /x HTTP/1.1" and ("Host", "capture.test") in [(name.title(), value) for name, value in fields]
