"""White space and line ends, names, versions, Host and target: see attack.py for the oracle."""

import pytest
import wire
from attack import HOST, assert_one_request, assert_refused, get, post

REFUSED = {
    # white space and line ends
    "space before the colon": post("Content-Length : 5", body="hello"),
    "tab before the colon": post("Transfer-Encoding\t: chunked", body="0\r\n\r\n"),
    "space before the first field": f"GET / HTTP/1.1\r\n Host: {HOST}\r\n\r\n",
    "space before the first of two": f"GET / HTTP/1.1\r\n X-A: b\r\nHost: {HOST}\r\n\r\n",
    "folded field": get("X-Folded: a", " b: c"),
    "field folded by a tab": get("X-Folded: a", "\tContent-Length: 5"),
    "folded field that begins empty": get("X-Folded:", " b"),
    "bare LF after the request line": f"GET / HTTP/1.1\nHost: {HOST}\r\n\r\n",
    "bare LF after a field": get("X-B: c\nX-A: b"),
    "bare LF at the end": f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\n",
    "only bare LFs": f"GET / HTTP/1.1\nHost: {HOST}\n\n",
    "bare CR in a value": post("X-A: b\rContent-Length: 5", "Content-Length: 0"),
    "bare CR in a name": get("X-A\r: b"),
    "bare CR at the end": f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\rX",
    "CR CR LF": f"GET / HTTP/1.1\r\r\nHost: {HOST}\r\n\r\n",
    "CR CR LF after a field": f"GET / HTTP/1.1\r\nHost: {HOST}\r\r\n\r\n",
    "LF CR at the end": f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\n\r",
    "bare LF before the request": f"\nGET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n",
    "three empty lines before the request": "\r\n\r\n\r\n" + get(),
    "NUL in a value": get("X-A: b\0c"),
    "vertical tab in a value": get("X-A: b\x0bc"),
    "form feed in a value": get("X-A: b\x0cc"),
    "DEL in a value": get("X-A: b\x7fc"),
    "escape in a value": get("X-A: \x1b[31m"),
    "tab in the request line": f"GET\t/ HTTP/1.1\r\nHost: {HOST}\r\n\r\n",
    "tab before the version": f"GET /\tHTTP/1.1\r\nHost: {HOST}\r\n\r\n",
    "two spaces before the target": f"GET  / HTTP/1.1\r\nHost: {HOST}\r\n\r\n",
    "two spaces before the version": f"GET /  HTTP/1.1\r\nHost: {HOST}\r\n\r\n",
    "a space at the end of the request line": f"GET / HTTP/1.1 \r\nHost: {HOST}\r\n\r\n",
    "a space at its start": f" GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n",
    "vertical tab for a space": f"GET\x0b/ HTTP/1.1\r\nHost: {HOST}\r\n\r\n",
    "a space of Unicode for a space": f"GET\xa0/ HTTP/1.1\r\nHost: {HOST}\r\n\r\n",
    # names
    "empty name": get(": value"),
    "NUL in a name": get("X\0A: b"),
    "control byte in a name": get("X\x01A: b"),
    "space in a name": get("X A: b"),
    "a byte beyond ASCII in a name": get("X-\xe4: b"),
    "a space of Unicode behind a name": get("Content-Length\xa0: 5"),
    "bracket in a name": get("X[A]: b"),
    "slash in a name": get("X/A: b"),
    "quoted name": get('"X-A": b'),
    "a field without a colon": get("Nonsense"),
    # methods and versions
    "HTTP/0.9": "GET /\r\n\r\n",
    "HTTP/0.9 with a field": f"GET /\r\nHost: {HOST}\r\n\r\n",
    "HTTP/0.9 by number": f"GET / HTTP/0.9\r\nHost: {HOST}\r\n\r\n",
    "HTTP/1.2": f"GET / HTTP/1.2\r\nHost: {HOST}\r\n\r\n",
    "HTTP/1.10": f"GET / HTTP/1.10\r\nHost: {HOST}\r\n\r\n",
    "HTTP/01.1": f"GET / HTTP/01.1\r\nHost: {HOST}\r\n\r\n",
    "HTTP/1.1.1": f"GET / HTTP/1.1.1\r\nHost: {HOST}\r\n\r\n",
    "HTTP/2.0": f"GET / HTTP/2.0\r\nHost: {HOST}\r\n\r\n",
    "lower-case version": f"GET / http/1.1\r\nHost: {HOST}\r\n\r\n",
    "another protocol": f"GET / ICY/1.1\r\nHost: {HOST}\r\n\r\n",
    "no method": f" / HTTP/1.1\r\nHost: {HOST}\r\n\r\n",
    "method with a colon": f"GE:T / HTTP/1.1\r\nHost: {HOST}\r\n\r\n",
    "method with a byte beyond ASCII": f"G\xcbT / HTTP/1.1\r\nHost: {HOST}\r\n\r\n",
    "endless method": "X" * 100_000,
    "TRACE": f"TRACE / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "TLS on the plain port": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + "\x00" * 50 + "\r\n\r\n",
    # host
    "no host": "GET / HTTP/1.1\r\n\r\n",
    "empty host": "GET / HTTP/1.1\r\nHost:\r\n\r\n",
    "two hosts": f"GET / HTTP/1.1\r\nHost: {HOST}\r\nHost: echo.test\r\n\r\n",
    "the same host twice": f"GET / HTTP/1.1\r\nHost: {HOST}\r\nHost: {HOST}\r\n\r\n",
    "a host with a space before its colon": f"GET / HTTP/1.1\r\nHost : {HOST}\r\n\r\n",
    "a list of hosts": f"GET / HTTP/1.1\r\nHost: {HOST}, echo.test\r\n\r\n",
    "user in the host": f"GET / HTTP/1.1\r\nHost: user@{HOST}\r\n\r\n",
    "user and password in the host": f"GET / HTTP/1.1\r\nHost: user:secret@{HOST}\r\n\r\n",
    "path in the host": f"GET / HTTP/1.1\r\nHost: {HOST}/x\r\n\r\n",
    "query in the host": f"GET / HTTP/1.1\r\nHost: {HOST}?x\r\n\r\n",
    "fragment in the host": f"GET / HTTP/1.1\r\nHost: {HOST}#x\r\n\r\n",
    "backslash in the host": f"GET / HTTP/1.1\r\nHost: {HOST}\\x\r\n\r\n",
    "scheme in the host": f"GET / HTTP/1.1\r\nHost: http://{HOST}\r\n\r\n",
    "space in the host": f"GET / HTTP/1.1\r\nHost: {HOST} x\r\n\r\n",
    "percent in the host": f"GET / HTTP/1.1\r\nHost: {HOST}%2f\r\n\r\n",
    "bytes beyond ASCII in the host": "GET / HTTP/1.1\r\nHost: c\xe4pture.test\r\n\r\n",
    "bad port": f"GET / HTTP/1.1\r\nHost: {HOST}:80x\r\n\r\n",
    "negative port": f"GET / HTTP/1.1\r\nHost: {HOST}:-80\r\n\r\n",
    "port out of range": f"GET / HTTP/1.1\r\nHost: {HOST}:99999\r\n\r\n",
    "two ports": f"GET / HTTP/1.1\r\nHost: {HOST}:80:80\r\n\r\n",
    "bracket that is not closed": "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n",
    "no address in brackets": "GET / HTTP/1.1\r\nHost: [capture]\r\n\r\n",
    "a zone in brackets": "GET / HTTP/1.1\r\nHost: [fe80::1%25lo]\r\n\r\n",
    # target
    "no target": f"GET HTTP/1.1\r\nHost: {HOST}\r\n\r\n",
    "fragment": get(path="/a#b"),
    "control byte in the target": get(path="/a\x01b"),
    "NUL in the target": get(path="/a\0b"),
    "DEL in the target": get(path="/a\x7fb"),
    "CR in the target": get(path="/a\rb"),
    "space in the target": get(path="/a b"),
    "target without a slash": get(path="a"),
    "target of a question mark": get(path="?a=b"),
    "star with GET": get(path="*"),
    "star and more": f"OPTIONS */x HTTP/1.1\r\nHost: {HOST}\r\n\r\n",
    "authority form without CONNECT": get(path=f"{HOST}:80"),
    "absolute form without a host": get(path="http:///x"),
    "absolute form with a user": get(path=f"http://user@{HOST}/"),
    "absolute form of another scheme": get(path=f"ftp://{HOST}/"),
    "absolute form with a bad port": get(path=f"http://{HOST}:99999/"),
    "absolute form with a backslash": get(path=f"http://{HOST}\\@echo.test/"),
    "absolute form with a fragment": get(path=f"http://{HOST}/#x"),
    "endless target": get(path="/" + "x" * 200_000),
    "CONNECT": f"CONNECT {HOST}:80 HTTP/1.1\r\nHost: {HOST}:80\r\n\r\n",
    "CONNECT with a path": f"CONNECT / HTTP/1.1\r\nHost: {HOST}\r\n\r\n",
}


@pytest.mark.parametrize("name", REFUSED)
def test_is_refused(plain, recorded, name):
    assert_refused(plain, recorded, REFUSED[name], statuses=(*range(400, 500), 501, 505))
    assert recorded.received() == b""


ONE_READING = {
    "no space behind the colon": (get("X-A:b"), {b"x-a": b"b"}),
    "tabs and spaces around a value": (get("X-A: \t b \t"), {b"x-a": b"b"}),
    "tab in a value": (get("X-A: b\tc"), {b"x-a": b"b\tc"}),
    "empty value": (get("X-A:"), {b"x-a": b""}),
    "bytes beyond ASCII in a value": (get("X-A: b\xe4"), {b"x-a": b"b\xe4"}),
    "an empty line before the request": ("\r\n" + get(), {}),
    "every byte of a token in a name": (get("!#$%&'*+-.^`|~0aZ: b"), {b"!#$%&'*+-.^`|~0az": b"b"}),
    "another method": (get().replace("GET", "PROPFIND"), {}),
    "method in lower case": (get().replace("GET", "get"), {}),
    "host in another case": (get().replace(HOST, HOST.upper()), {b"host": HOST.upper().encode()}),
    "host with a port": (get().replace(HOST, HOST + ":8080"), {b"host": HOST.encode() + b":8080"}),
    "host with an empty port": (get().replace(HOST, HOST + ":"), {}),
    "absolute form": (get(path=f"http://{HOST}/seen"), {b"host": HOST.encode()}),
    "absolute form of https": (get(path=f"https://{HOST}/seen"), {b"x-forwarded-proto": b"http"}),
    "absolute form with a scheme in capitals": (get(path=f"HTTP://{HOST}/seen"), {}),
    "absolute form beside another host": (get(path=f"http://{HOST}/seen").replace(f"Host: {HOST}", "Host: echo.test"), {b"host": HOST.encode()}),
    "a query that looks like a path": (get(path="/seen?/../x"), {}),
    "a query with a question mark": (get(path="/seen?a=b?c"), {}),
    "an empty query": (get(path="/seen?"), {}),
}


@pytest.mark.parametrize("name", ONE_READING)
def test_has_one_reading(plain, recorded, name):
    raw, fields = ONE_READING[name]
    request, _ = assert_one_request(plain, recorded, raw)
    assert request.target.split(b"?")[0] == b"/seen"
    sent = {name.lower(): value for name, value in request.fields}
    for name, value in fields.items():
        assert sent[name] == value


DROPPED_NAMES = [
    "Content_Length: 5",
    "Transfer_Encoding: chunked",
    "Host_: evil.test",
    "X_Forwarded_For: 1.2.3.4",
    "X_Real_IP: 1.2.3.4",
    "Authorization_: Basic x",
    "ssl_client_verify: SUCCESS",
    "_: x",
]


@pytest.mark.parametrize("line", DROPPED_NAMES)
def test_a_name_that_maps_onto_another_is_left_out(plain, recorded, line):
    request, _ = assert_one_request(plain, recorded, get(line, "X-Kept: 1"))
    assert not any(b"_" in name for name, _ in request.fields) and request.field("x-kept") == b"1"


def test_options_of_everything_has_a_star(plain, recorded):
    raw = f"OPTIONS * HTTP/1.1\r\nHost: {HOST}\r\n\r\n"
    with wire.Client(plain.http) as client:
        status = client.send(raw).response().status
    assert status in (200, 400, 404, 405), status
    assert b"OPTIONS * HTTP/1.1" in recorded.received() or recorded.received() == b""
