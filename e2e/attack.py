"""The oracle of attacks_*_test.py: what reached the backend, read by RFC 9112 without any of its allowances.

Either nothing arrived and the client got a 4xx and a closed connection, or exactly one request arrived, whose framing has
one reading. A body that turns out bad may have been streamed in part: then the backend saw a request that never ended.
"""

import dataclasses
import re

import wire

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
REQUEST_LINE = re.compile(rb"(" + TOKEN + rb") (/[!-~]*|\*) HTTP/1\.1")
FIELD_LINE = re.compile(rb"(" + TOKEN + rb"): ?((?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?)")
CHUNK_LINE = re.compile(rb"0|[1-9a-fA-F][0-9a-fA-F]{0,15}")
SINGLE = (b"host", b"content-length", b"transfer-encoding", b"content-type", b"authorization")
# What a backend that maps names to variables (CGI, WSGI) would take for another field.
UNDERSCORED = re.compile(rb"[^_]*_.*")
HOP_BY_HOP = (b"keep-alive", b"proxy", b"proxy-connection", b"te", b"upgrade", b"http2-settings", b"proxy-authorization")

HOST = "capture.test"
MARKER = wire.request(HOST, "/marker")


class Ambiguous(AssertionError):
    """What arrived could be read in another way."""


@dataclasses.dataclass
class Request:
    method: bytes
    target: bytes
    fields: list  # (name, value)
    body: bytes = b""
    trailers: list = dataclasses.field(default_factory=list)
    whole: bool = False

    def all(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower().encode()]

    def field(self, name):
        values = self.all(name)
        return values[0] if values else None


class _Unfinished(Exception):
    pass


class Reader:
    """Reads one connection's bytes: `requests`, of which only the last may be unfinished."""

    def __init__(self, data):
        self.rest = data
        self.requests = []
        try:
            while self.rest:
                self._request()
        except _Unfinished:
            pass

    def _require(self, holds, what, shown):
        if not holds:
            raise Ambiguous(f"{what}: {shown!r}")

    def _line(self):
        end = self.rest.find(b"\r\n")
        if end < 0:
            self._require(b"\n" not in self.rest, "bare LF", self.rest)
            raise _Unfinished
        line, self.rest = self.rest[:end], self.rest[end + 2 :]
        self._require(not re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", line), "a control byte", line)
        return line

    def _fields(self):
        fields = []
        while line := self._line():
            match = FIELD_LINE.fullmatch(line)
            self._require(match, "no field line", line)
            self._require(not UNDERSCORED.fullmatch(match[1]), "a name that maps onto another", line)
            fields.append((match[1], match[2]))
        names = [name.lower() for name, _ in fields]
        for name in SINGLE:
            self._require(names.count(name) <= 1, "twice", fields)
        return fields

    def _take(self, request, count):
        request.body += self.rest[:count]
        if len(self.rest) < count:
            raise _Unfinished
        self.rest = self.rest[count:]

    def _request(self):
        if b"\r\n\r\n" not in self.rest:
            raise _Unfinished
        line = self._line()
        match = REQUEST_LINE.fullmatch(line)
        self._require(match, "no request line", line)
        request = Request(match[1], match[2], self._fields())
        self.requests.append(request)
        self._require(len(request.all("host")) == 1 and request.field("host"), "no Host", request)
        self._body(request)
        request.whole = True

    def _body(self, request):
        length, coding = request.field("content-length"), request.field("transfer-encoding")
        self._require(length is None or coding is None, "two framings", request)
        if coding is not None:
            self._require(coding == b"chunked", "coding", request)
            self._chunks(request)
        elif length is not None:
            self._require(re.fullmatch(rb"\d{1,19}", length), "length", request)
            self._take(request, int(length))

    def _chunks(self, request):
        while True:
            line = self._line()
            self._require(CHUNK_LINE.fullmatch(line), "chunk size", line)
            if line == b"0":
                request.trailers = self._fields()
                return
            self._take(request, int(line, 16))
            if not self.rest.startswith(b"\r\n"):
                self._require(b"\r\n".startswith(self.rest), "data without CRLF", self.rest)
                raise _Unfinished
            self.rest = self.rest[2:]


def read_strictly(data):
    return Reader(data).requests


def arrived(recorded):
    """Every request that reached the backend whole since the script began; all bytes there have been read strictly.

    One that never ended is no request. It may belong to an earlier test, whose start arrived late.
    """
    requests = [request for connection in recorded.connections for request in read_strictly(connection.recent())]
    return [request for request in requests if request.whole]


@dataclasses.dataclass
class Outcome:
    answer: wire.Response
    closed: bool
    requests: list  # whole ones at the backend, without the marker


def play(program, recorded, raw, method="GET"):
    """Sends `raw`, then (where the connection is still open) a request that marks whether both ends are in step."""
    with wire.Client(program.http) as client:
        answer = client.send(raw).response(method)
        closed = (answer.field("connection") or "").lower() == "close"
        if not closed:
            marked = client.ask(MARKER)
            assert marked.status == 200, f"out of step: {marked}"
        assert not closed or client.ended(), "said to be closed, and is not"
    requests = arrived(recorded)
    assert len([request for request in requests if is_marker(request)]) == (0 if closed else 1), requests
    return Outcome(answer, closed, [request for request in requests if not is_marker(request)])


def is_marker(request):
    return (request.method, request.target) == (b"GET", b"/marker")


def assert_refused(program, recorded, raw, statuses=range(400, 500)):
    """A 4xx and a close, and nothing of it at the backend but the start of a request that never ended."""
    outcome = play(program, recorded, raw)
    assert outcome.answer.status in statuses, outcome.answer
    assert outcome.closed, f"the connection stays open: {outcome.answer}"
    assert outcome.requests == []


def assert_one_request(program, recorded, raw, method="GET"):
    """One whole request at the backend, with one reading; returns it and the answer."""
    outcome = play(program, recorded, raw, method)
    assert outcome.answer.status == 200, outcome.answer
    assert len(outcome.requests) == 1, outcome.requests
    request, = outcome.requests
    names = {name.lower() for name, _ in request.fields}
    assert not names & set(HOP_BY_HOP), request
    return request, outcome


def post(*lines, body="", path="/seen"):
    return "\r\n".join([f"POST {path} HTTP/1.1", f"Host: {HOST}", *lines, "", body])


def get(*lines, path="/seen"):
    return "\r\n".join([f"GET {path} HTTP/1.1", f"Host: {HOST}", *lines, "", ""])


HIDDEN = f"GET /hidden HTTP/1.1\r\nHost: {HOST}\r\n\r\n"
