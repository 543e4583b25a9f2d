"""The least HTTP/1.1 client that keeps a connection and can say when an answer was whole."""

import functools
import socket
import ssl


@functools.cache
def client_context():
    """Accepts any certificate. Never resumes: a session would have to be handed to it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Connection:
    def __init__(self, port, host, tls=False):
        self._socket = socket.create_connection(("127.0.0.1", port), 30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self._socket = client_context().wrap_socket(self._socket, server_hostname=host)
        self._request = f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()

    def get(self):
        """(status, body) of one small answer with a Content-Length."""
        self.send(self._request)
        return self.read_answer()

    def read_answer(self):
        head, body, length = self.read_head()
        while len(body) < length:
            body += self._receive()
        return int(head.split()[1]), body

    def read_head(self):
        """(head, what followed it already, Content-Length)."""
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._receive()
        head, body = data.split(b"\r\n\r\n", 1)
        length = 0
        for field in head.split(b"\r\n")[1:]:
            name, value = field.split(b":", 1)
            if name.lower() == b"content-length":
                length = int(value)
        return head, body, length

    def _receive(self):
        data = self._socket.recv(65536)
        if not data:
            raise ConnectionError("closed by the server")
        return data

    def send(self, data):
        self._socket.sendall(data)

    def receive_into(self, buffer):
        return self._socket.recv_into(buffer)

    def close(self):
        self._socket.close()


def get(port, host, tls=False):
    """(status, body) over a connection of its own."""
    connection = Connection(port, host, tls)
    try:
        return connection.get()
    finally:
        connection.close()
