"""Backends that speak TLS or HTTP/2: what they are shown, and HTTP/2 by python3-h2."""

import contextlib
import json
import socket
import ssl
import tempfile
import threading

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
from backends import end_listening


def server_context(pair, client_ca=None, versions=None):
    """A server's context; `client_ca`: clients must show a certificate that it signed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(pair.key + pair.certificate)
        file.flush()
        context.load_cert_chain(file.name)
    if client_ca:
        context.load_verify_locations(cadata=client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    if versions:
        context.minimum_version, context.maximum_version = versions
    return context


class Server:
    """Accepts on a port of its own, a thread a connection; `context`: over TLS."""

    def __init__(self, context=None):
        self.context = context
        self.connections = 0
        self.names = []  # SNI of each handshake
        if context:
            context.sni_callback = lambda _socket, name, _context: self.names.append(name)
        self._open = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                accepted, _ = self._listener.accept()
                self.connections += 1
                accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._shake_hands, args=(accepted,), daemon=True).start()

    def _shake_hands(self, accepted):
        with contextlib.suppress(OSError, ssl.SSLError, h2.exceptions.ProtocolError):
            if self.context:
                accepted = self.context.wrap_socket(accepted, server_side=True)
            self._open.append(accepted)
            self.serve(accepted)
        accepted.close()

    def close_connections(self):
        for one in self._open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        end_listening(self._listener)
        self.close_connections()


class TlsTeller(Server):
    """HTTP/1.1 that answers with what it knows of the client's TLS."""

    def serve(self, connection):
        received = b""
        while True:
            while b"\r\n\r\n" not in received:
                piece = connection.recv(1 << 16)
                if not piece:
                    return
                received += piece
            received = received.split(b"\r\n\r\n", 1)[1]
            certificate = connection.getpeercert() or {}
            facts = {
                "version": connection.version(),
                "resumed": connection.session_reused,
                "certificate": [value for part in certificate.get("subject", ()) for _, value in part],
                "sni": self.names[-1] if self.names else None,
            }
            body = json.dumps(facts).encode()
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


class H2Backend(Server):
    """HTTP/2, by prior knowledge or ALPN. `answer(stream)` is called for each whole request: a Request, and says what
    is answered: (status, fields, body, trailers), or None where it has dealt with it itself."""

    def __init__(self, answer, context=None, max_streams=100):
        self.answer = answer
        self.max_streams = max_streams
        self.requests = []
        if context:
            context.set_alpn_protocols(["h2"])
        super().__init__(context)

    def serve(self, connection):
        H2Served(self, connection).run()


class Request:
    def __init__(self, served, stream, fields):
        self.served, self.stream = served, stream
        self.fields = fields
        self.body = b""
        self.trailers = []

    def field(self, name):
        return next((value for key, value in self.fields if key == name), None)


class H2Served:
    def __init__(self, backend, connection):
        self.backend, self.connection = backend, connection
        config = h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
        self.h2 = h2.connection.H2Connection(config)
        self.h2.local_settings = h2.settings.Settings(
            client=False,
            initial_values={
                h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: backend.max_streams,
                h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 1 << 20,
            },
        )
        self.requests = {}
        self.waiting = {}  # stream: [bytes, trailers]

    def flush(self):
        self.connection.sendall(self.h2.data_to_send())

    def run(self):
        self.h2.initiate_connection()
        self.flush()
        while data := self.connection.recv(1 << 18):
            for event in self.h2.receive_data(data):
                self._take(event)
            self._send_waiting()
            self.flush()

    def _take(self, event):
        request = self.requests.get(getattr(event, "stream_id", 0) or 0)
        match event:
            case h2.events.RequestReceived():
                self.requests[event.stream_id] = Request(self, event.stream_id, event.headers)
                self.backend.requests.append(self.requests[event.stream_id])
            case h2.events.DataReceived():
                request.body += event.data
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case h2.events.TrailersReceived():
                request.trailers = event.headers
            case h2.events.StreamEnded():
                if (answer := self.backend.answer(request)) is not None:
                    self.reply(event.stream_id, *answer)
            case h2.events.StreamReset():
                self.waiting.pop(event.stream_id, None)

    def reply(self, stream, status, fields=(), body=b"", trailers=None):
        head = [(":status", str(status)), *fields]
        self.h2.send_headers(stream, head, end_stream=not body and trailers is None)
        if body or trailers is not None:
            self.waiting[stream] = [body, trailers]

    def _send_waiting(self):
        for stream, (body, trailers) in list(self.waiting.items()):
            while body and (room := min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size)) > 0:
                piece, body = body[:room], body[room:]
                self.h2.send_data(stream, piece, end_stream=not body and trailers is None)
            self.waiting[stream][0] = body
            if not body:
                del self.waiting[stream]
                if trailers is not None:
                    self.h2.send_headers(stream, trailers, end_stream=True)
