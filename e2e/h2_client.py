"""An HTTP/2 client over python3-h2: one connection, as many streams as a test opens, nothing hidden."""

import contextlib
import dataclasses
import socket
import ssl
import struct

import h2.config
import h2.connection
import h2.events
import h2.settings
import wire

SECONDS = wire.SECONDS
GOAWAY = 7


@dataclasses.dataclass
class Stream:
    """What has come on one stream."""

    status: int = 0
    fields: list = dataclasses.field(default_factory=list)
    body: bytes = b""
    trailers: list = dataclasses.field(default_factory=list)
    ended: bool = False
    reset: int | None = None  # the error code of RST_STREAM

    def all(self, name):
        return [value for key, value in self.fields if key == name]

    def field(self, name):
        return next(iter(self.all(name)), None)

    @property
    def over(self):
        return self.ended or self.reset is not None


class Client:
    """Over plaintext by prior knowledge, or over TLS by ALPN where a context is given."""

    def __init__(self, address, tls_context=None, tls_name=None, seconds=SECONDS):
        self.socket = socket.create_connection(address, seconds)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.scheme = "https" if tls_context else "http"
        if tls_context:
            tls_context.set_alpn_protocols(["h2"])
            self.socket = tls_context.wrap_socket(self.socket, server_hostname=tls_name)
            assert self.socket.selected_alpn_protocol() == "h2"
        config = h2.config.H2Configuration(
            client_side=True, header_encoding="utf-8", validate_outbound_headers=False, normalize_outbound_headers=False
        )
        self.h2 = h2.connection.H2Connection(config)
        self.streams = {}
        self.goaway = None  # the last GOAWAY: (error code, last stream)
        self.settings = {}  # what the server announced
        self.closed = False
        self._received = b""
        self.hold_window = False  # true: what is received is not acknowledged
        self.h2.initiate_connection()
        self.flush()

    def flush(self):
        """A peer that has closed takes nothing more, and may have said something before that is still to be read."""
        with contextlib.suppress(ConnectionError, ssl.SSLEOFError):
            self.socket.sendall(self.h2.data_to_send())

    def fill(self):
        """Takes what comes next; False at the end."""
        try:
            data = self.socket.recv(1 << 18)
        except (ConnectionError, ssl.SSLEOFError):
            data = b""
        if not data:
            self.closed = True
            return False
        for event in self.h2.receive_data(self._without_goaway(data)):
            self._take(event)
        self.flush()
        return True

    def _without_goaway(self, data):
        """Whole frames only. A GOAWAY is noted and kept from the library, which would take no frame after it, where RFC 9113
        6.8 lets the streams that are open end as usual."""
        self._received += data
        frames = b""
        while len(self._received) >= 9 and len(self._received) >= 9 + (size := int.from_bytes(self._received[:3], "big")):
            frame, self._received = self._received[: 9 + size], self._received[9 + size :]
            if frame[3] == GOAWAY:
                last_stream, code = struct.unpack_from(">II", frame, 9)
                self.goaway = (code, last_stream)
            else:
                frames += frame
        return frames

    def _take(self, event):
        stream = self.streams.get(getattr(event, "stream_id", 0) or 0)
        match event:
            case h2.events.RemoteSettingsChanged():
                self.settings |= {key: change.new_value for key, change in event.changed_settings.items()}
            case h2.events.ResponseReceived():
                stream.fields = [(name, value) for name, value in event.headers if not name.startswith(":")]
                stream.status = int(dict(event.headers)[":status"])
            case h2.events.DataReceived():
                stream.body += event.data
                if event.flow_controlled_length and not self.hold_window:
                    self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case h2.events.TrailersReceived():
                stream.trailers = list(event.headers)
            case h2.events.StreamEnded():
                stream.ended = True
            case h2.events.StreamReset():
                stream.reset = int(event.error_code)

    def until(self, condition):
        """Reads until `condition()` is true; a wire.Cut where the connection ends before."""
        while not (value := condition()):
            if not self.fill():
                raise wire.Cut()
        return value

    def open(self, authority, path="/", *fields, method="GET", end=True, scheme=None):
        """Sends a request's head; the number of its stream."""
        number = self.h2.get_next_available_stream_id()
        head = [(":method", method), (":scheme", scheme or self.scheme), (":authority", authority), (":path", path), *fields]
        self.streams[number] = Stream()
        self.h2.send_headers(number, head, end_stream=end)
        self.flush()
        return number

    def connect(self, authority, path, protocol, *fields):
        """RFC 8441; the number of the stream."""
        return self.open(authority, path, (":protocol", protocol), *fields, method="CONNECT", end=False)

    def send(self, number, data, end=False):
        """Body, as fast as the server's windows allow."""
        while data or end:
            room = min(self.h2.local_flow_control_window(number), self.h2.max_outbound_frame_size)
            if data and not room:
                self.until(lambda: self.streams[number].over or self.h2.local_flow_control_window(number))
                continue
            piece, data = data[:room], data[room:]
            last = end and not data
            self.h2.send_data(number, piece, end_stream=last)
            self.flush()
            if last:
                return

    def response(self, number):
        stream = self.streams[number]
        self.until(lambda: stream.over)
        return stream

    def ask(self, authority, path="/", *fields, **more):
        return self.response(self.open(authority, path, *fields, **more))

    def ended(self):
        """True once the server has closed the connection; reads until then."""
        while self.fill():
            pass
        return True

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
