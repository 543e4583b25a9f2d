"""HTTP/1 by hand: what is sent is exactly what the test wrote, what comes back is read strictly."""

import contextlib
import dataclasses
import socket
import ssl

SECONDS = 60


@dataclasses.dataclass
class Response:
    status: int
    reason: str
    version: str
    fields: list  # (name, value), as received
    body: bytes = b""
    trailers: list = dataclasses.field(default_factory=list)
    early: list = dataclasses.field(default_factory=list)  # the 1xx answers before it

    def all(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def field(self, name):
        values = self.all(name)
        return values[0] if values else None

    def json(self):
        import json

        return json.loads(self.body)


class Cut(ConnectionError):
    """The connection ended in the middle of an answer. `partial` is the body so far."""

    def __init__(self, partial=b""):
        super().__init__(f"cut after {len(partial)} bytes of body")
        self.partial = partial


class Client:
    """One connection."""

    def __init__(self, address, seconds=SECONDS, tls_name=None, tls_context=None, receive_buffer=None):
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.socket = socket.socket(family)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(seconds)
        self.socket.connect(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls_context:
            self.socket = tls_context.wrap_socket(self.socket, server_hostname=tls_name)
        self.buffer = b""

    def send(self, data):
        """A peer that has closed takes nothing more. What it said before can still be read: whoever reads hears of it."""
        with contextlib.suppress(ConnectionError, ssl.SSLEOFError):
            self.socket.sendall(data.encode("latin-1") if isinstance(data, str) else data)
        return self

    def finish_writing(self):
        with contextlib.suppress(OSError):  # as above
            self.socket.shutdown(socket.SHUT_WR)

    def fill(self):
        try:
            piece = self.socket.recv(1 << 18)
        except (ConnectionError, ssl.SSLEOFError):
            piece = b""
        self.buffer += piece
        return bool(piece)

    def line(self):
        while b"\r\n" not in self.buffer:
            if not self.fill():
                raise Cut()
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line.decode("latin-1")

    def exactly(self, count):
        pieces, have = [], 0
        while have < count:
            if not self.buffer and not self.fill():
                raise Cut(b"".join(pieces))
            piece, self.buffer = self.buffer[: count - have], self.buffer[count - have :]
            pieces.append(piece)
            have += len(piece)
        return b"".join(pieces)

    def rest(self):
        """Everything up to the end."""
        while self.fill():
            pass
        rest, self.buffer = self.buffer, b""
        return rest

    def ended(self):
        """True once the peer has closed and nothing is left."""
        return not self.buffer and not self.fill()

    def fields(self):
        found = []
        while line := self.line():
            name, value = line.split(":", 1)
            found.append((name, value.strip(" \t")))
        return found

    def head(self):
        """An answer's head, interim or final, without its body."""
        version, status, *reason = self.line().split(" ", 2)
        return Response(int(status), reason[0] if reason else "", version, self.fields())

    def final_head(self):
        early = []
        while 100 <= (response := self.head()).status < 200 and response.status != 101:
            early.append(response)
        response.early = early
        return response

    def chunks(self):
        body = b""
        while size := int(self.line().split(";")[0], 16):
            try:
                body += self.exactly(size)
            except Cut as cut:
                raise Cut(body + cut.partial) from None
            assert self.line() == ""
        return body

    def response(self, method="GET"):
        response = self.final_head()
        coding, length = response.field("transfer-encoding"), response.field("content-length")
        if method == "HEAD" or response.status in (101, 204, 304):
            return response
        if coding:
            assert coding.lower() == "chunked" and length is None
            response.body = self.chunks()
            response.trailers = self.fields()
        elif length is not None:
            response.body = self.exactly(int(length))
        else:
            response.body = self.rest()
        return response

    def ask(self, request, method="GET"):
        return self.send(request).response(method)

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def request(host, path="/", *lines, method="GET", body=None, version="1.1"):
    """The bytes of a request; `lines` are further header lines."""
    head = [f"{method} {path} HTTP/{version}", f"Host: {host}", *lines]
    if body is not None and not any(line.lower().startswith(("content-length:", "transfer-encoding:")) for line in lines):
        head.append(f"Content-Length: {len(body)}")
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + (body or b"")


def get(address, host, path="/", *lines, method="GET", body=None, **connect):
    """One request on a connection of its own."""
    with Client(address, **connect) as client:
        return client.ask(request(host, path, *lines, method=method, body=body), method)


def pod(address, host, path="/", *lines):
    """Which echo backend answers; or the status where none does."""
    answer = get(address, host, path, *lines)
    return answer.json()["pod"] if answer.status == 200 else answer.status
