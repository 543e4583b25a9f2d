"""Two framings, numbers, chunked bodies: see attack.py for the oracle."""

import pytest
import wire
from attack import HIDDEN, assert_one_request, assert_refused, post

CHUNKED = "Transfer-Encoding: chunked"
HELLO = "5\r\nhello\r\n0\r\n\r\n"

REFUSED = {
    # two framings
    "length and chunked": post("Content-Length: 5", CHUNKED, body="0\r\n\r\n" + HIDDEN),
    "chunked and length": post(CHUNKED, "Content-Length: 5", body="0\r\n\r\n" + HIDDEN),
    "length nought and chunked": post("Content-Length: 0", CHUNKED, body="0\r\n\r\n" + HIDDEN),
    "unequal lengths": post("Content-Length: 0", "Content-Length: 5", body=HIDDEN),
    "equal lengths": post("Content-Length: 5", "Content-Length: 5", body="hello"),
    "unequal lengths in a list": post("Content-Length: 0, 5", body=HIDDEN),
    "equal lengths in a list": post("Content-Length: 5, 5", body="hello"),
    "a list of one length": post("Content-Length: 5,", body="hello"),
    "chunked twice": post("Transfer-Encoding: chunked, chunked", body="0\r\n\r\n"),
    "chunked on two lines": post(CHUNKED, CHUNKED, body="0\r\n\r\n"),
    "chunked and something on two lines": post(CHUNKED, "Transfer-Encoding: x", body="0\r\n\r\n"),
    "something and chunked on two lines": post("Transfer-Encoding: x", CHUNKED, body="0\r\n\r\n"),
    "identity": post("Transfer-Encoding: identity", body=HIDDEN),
    "identity and a length": post("Transfer-Encoding: identity", "Content-Length: 5", body="hello"),
    "chunked not last": post("Transfer-Encoding: chunked, identity", body="0\r\n\r\n"),
    "unknown coding": post("Transfer-Encoding: gzip, chunked", body="0\r\n\r\n"),
    "prefix of chunked": post("Transfer-Encoding: chunke", body="0\r\n\r\n"),
    "chunked and more letters": post("Transfer-Encoding: xchunked", body="0\r\n\r\n"),
    "quoted coding": post('Transfer-Encoding: "chunked"', body="0\r\n\r\n"),
    "coding in single quotes": post("Transfer-Encoding: 'chunked'", body="0\r\n\r\n"),
    "coding with a parameter": post("Transfer-Encoding: chunked;q=1", body="0\r\n\r\n"),
    "coding with an empty element": post("Transfer-Encoding: ,chunked", body="0\r\n\r\n"),
    "coding with a control byte": post("Transfer-Encoding: \x0bchunked", body="0\r\n\r\n"),
    "coding behind a space of Unicode": post("Transfer-Encoding: \xa0chunked", body="0\r\n\r\n"),
    "coding with a NUL behind": post("Transfer-Encoding: chunked\0", body="0\r\n\r\n"),
    "empty coding": post("Transfer-Encoding:", body=HIDDEN),
    "coding in HTTP/1.0": post(CHUNKED, body="0\r\n\r\n").replace("HTTP/1.1", "HTTP/1.0"),
    "coding in HTTP/1.0 that asks to be kept": post(CHUNKED, "Connection: keep-alive", body="0\r\n\r\n" + HIDDEN).replace(
        "HTTP/1.1", "HTTP/1.0", 1
    ),
    # numbers
    "length with a plus": post("Content-Length: +5", body="hello"),
    "length with a minus": post("Content-Length: -5", body="hello"),
    "minus nought": post("Content-Length: -0", body=HIDDEN),
    "length in hex": post("Content-Length: 0x5", body="hello"),
    "length with an underscore": post("Content-Length: 1_0", body="hello"),
    "length with a space inside": post("Content-Length: 1 0", body="hello"),
    "empty length": post("Content-Length: ", body="hello"),
    "length of white space": post("Content-Length: \t ", body="hello"),
    "length of 2^64": post("Content-Length: 18446744073709551616", body="hello"),
    "length of 2^64 and five": post("Content-Length: 18446744073709551621", body="hello"),
    "length of a hundred digits": post("Content-Length: " + "9" * 100, body="hello"),
    "length with a point": post("Content-Length: 5.0", body="hello"),
    "length with an exponent": post("Content-Length: 5e0", body="hello"),
    "length with a letter behind": post("Content-Length: 5a", body="hello"),
    "length with a semicolon": post("Content-Length: 5;", body="hello"),
    "quoted length": post('Content-Length: "5"', body="hello"),
    "length in digits of Unicode": post("Content-Length: \xb2", body="he"),
    # chunked bodies
    "chunk size in words": post(CHUNKED, body="zz\r\nhello\r\n0\r\n\r\n"),
    "chunk size with 0x": post(CHUNKED, body="0x5\r\nhello\r\n0\r\n\r\n"),
    "chunk size with a minus": post(CHUNKED, body="-1\r\nhello\r\n0\r\n\r\n"),
    "chunk size with a plus": post(CHUNKED, body="+5\r\nhello\r\n0\r\n\r\n"),
    "chunk size with an underscore": post(CHUNKED, body="0_5\r\nhello\r\n0\r\n\r\n"),
    "chunk size with a space before": post(CHUNKED, body=" 5\r\nhello\r\n0\r\n\r\n"),
    "chunk size with a space behind": post(CHUNKED, body="5 \r\nhello\r\n0\r\n\r\n"),
    "chunk size with a tab behind": post(CHUNKED, body="5\t\r\nhello\r\n0\r\n\r\n"),
    "chunk size beyond 64 bits": post(CHUNKED, body="10000000000000005\r\nhello\r\n0\r\n\r\n"),
    "chunk size with a NUL": post(CHUNKED, body="5\0\r\nhello\r\n0\r\n\r\n"),
    "chunk size with a bare LF": post(CHUNKED, body="5\nhello\r\n0\r\n\r\n"),
    "chunk size with a bare CR": post(CHUNKED, body="5\rhello\r\n0\r\n\r\n"),
    "empty chunk size": post(CHUNKED, body="\r\nhello\r\n0\r\n\r\n"),
    "only an extension": post(CHUNKED, body=";a=b\r\nhello\r\n0\r\n\r\n"),
    "no CRLF after chunk data": post(CHUNKED, body="5\r\nhelloX0\r\n\r\n"),
    "LF after chunk data": post(CHUNKED, body="5\r\nhello\n0\r\n\r\n"),
    "a byte too many before the CRLF": post(CHUNKED, body="5\r\nhello!\r\n0\r\n\r\n"),
    "garbage before the next size": post(CHUNKED, body="5\r\nhello\r\n\r\n0\r\n\r\n"),
    "LF at the end": post(CHUNKED, body="5\r\nhello\r\n0\r\n\n"),
    "LF behind the last size": post(CHUNKED, body="5\r\nhello\r\n0\n\r\n"),
    "bare LF in an extension": post(CHUNKED, body="5;a\nhello\r\n0\r\n\r\n"),
    "bare CR in an extension": post(CHUNKED, body="5;a\rb\r\nhello\r\n0\r\n\r\n"),
    "control byte in an extension": post(CHUNKED, body="5;a\x01\r\nhello\r\n0\r\n\r\n"),
    "endless chunk extension": post(CHUNKED, body="5;" + "x" * 100_000),
    "many small extensions": post(CHUNKED, body="".join("1;" + "x" * 1000 + "\r\na\r\n" for _ in range(500))),
    "endless trailers": post(CHUNKED, body="0\r\n" + "X-A: b\r\n" * 20_000),
    "one endless trailer": post(CHUNKED, body="0\r\nX-A: " + "b" * 200_000),
    "trailer with a bare LF": post(CHUNKED, body="5\r\nhello\r\n0\r\nX-A: b\n\r\n"),
    "trailer with a space before the colon": post(CHUNKED, body="5\r\nhello\r\n0\r\nX-A : b\r\n\r\n"),
    "folded trailer": post(CHUNKED, body="5\r\nhello\r\n0\r\nX-A: b\r\n c\r\n\r\n"),
    "trailer without a colon": post(CHUNKED, body="5\r\nhello\r\n0\r\nnonsense\r\n\r\n"),
    "trailer that names a length": post(CHUNKED, body="5\r\nhello\r\n0\r\nContent-Length: 99\r\n\r\n"),
    "trailer that names a coding": post(CHUNKED, body="5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_is_refused(plain, recorded, name):
    assert_refused(plain, recorded, REFUSED[name], statuses=(*range(400, 500), 501))
    assert b"/hidden" not in recorded.received()


ONE_READING = {
    "a length": (post("Content-Length: 5", body="hello"), b"hello"),
    "a length of nought": (post("Content-Length: 0"), b""),
    "leading zeros": (post("Content-Length: 0005", body="hello"), b"hello"),
    "white space around a length": (post("Content-Length: \t 5 \t", body="hello"), b"hello"),
    "chunked": (post(CHUNKED, body=HELLO), b"hello"),
    "chunked in another case": (post("Transfer-Encoding: ChUnKeD", body=HELLO), b"hello"),
    "white space around chunked": (post("Transfer-Encoding: \t chunked \t", body=HELLO), b"hello"),
    "a name in another case": (post("tRANSFER-eNCODING: chunked", body=HELLO), b"hello"),
    "no chunk but the last": (post(CHUNKED, body="0\r\n\r\n"), b""),
    "last chunk of many noughts": (post(CHUNKED, body="5\r\nhello\r\n0000\r\n\r\n"), b"hello"),
    "chunk size with leading zeros": (post(CHUNKED, body="0005\r\nhello\r\n0\r\n\r\n"), b"hello"),
    "chunk size in either case": (post(CHUNKED, body="a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n"), b"0123456789" * 2),
    "chunk extension": (post(CHUNKED, body="5;a=b\r\nhello\r\n0;last\r\n\r\n"), b"hello"),
    "quoted chunk extension": (post(CHUNKED, body='5;a="b;c"\r\nhello\r\n0\r\n\r\n'), b"hello"),
    "a request inside a chunk": (post(CHUNKED, body="%x\r\n%s\r\n0\r\n\r\n" % (len(HIDDEN), HIDDEN)), HIDDEN.encode()),
    "a request inside a body": (post(f"Content-Length: {len(HIDDEN)}", body=HIDDEN), HIDDEN.encode()),
    "a length in a name with an underscore": (post("Content_Length: 100", "Content-Length: 5", body="hello"), b"hello"),
    "a coding in a name with an underscore": (post("Transfer_Encoding: chunked", "Content-Length: 5", body="hello"), b"hello"),
    "a request without framing": (post(), b""),
}


@pytest.mark.parametrize("name", ONE_READING)
def test_has_one_reading(plain, recorded, name):
    raw, body = ONE_READING[name]
    request, _ = assert_one_request(plain, recorded, raw)
    assert request.body == body
    assert (request.method, request.target) == (b"POST", b"/seen")


DROPPED_TRAILERS = [
    "Host: evil.test",
    "Authorization: Basic x",
    "Cookie: a=b",
    "X-Forwarded-For: 1.2.3.4",
    "X-Real-IP: 1.2.3.4",
    "Forwarded: for=1.2.3.4",
    "Connection: close",
    "Upgrade: h2c",
    "Content-Type: text/plain",
    "Content-Encoding: gzip",
    "Expect: 100-continue",
    "Cache-Control: no-store",
    "If-Match: x",
    "Trailer: x",
    "TE: trailers",
    "X-Original-URL: /",
    "ssl-client-verify: SUCCESS",
]


@pytest.mark.parametrize("trailer", DROPPED_TRAILERS)
def test_a_trailer_that_means_something_is_dropped(plain, recorded, trailer):
    request, _ = assert_one_request(plain, recorded, post(CHUNKED, body=f"5\r\nhello\r\n0\r\n{trailer}\r\nX-Kept: 1\r\n\r\n"))
    assert [name.lower() for name, _ in request.trailers] == [b"x-kept"]


def test_what_follows_a_refused_request_is_never_served(plain, recorded):
    assert_refused(plain, recorded, REFUSED["unequal lengths"] + HIDDEN * 10)
    assert recorded.received() == b""


def test_each_refused_byte_by_byte_is_refused_too(plain, recorded):
    for name in ("length and chunked", "unequal lengths", "chunk size with a bare LF", "no CRLF after chunk data"):
        recorded.play()
        with wire.Client(plain.http) as client:
            for byte in REFUSED[name].removesuffix(HIDDEN):
                client.send(byte)
            answer = client.response()
            assert 400 <= answer.status < 500 and client.ended(), f"{name}: {answer}"
        assert b"/hidden" not in recorded.received()
