"""Backends: the echo program, and one that records exact bytes and answers from a script."""

import contextlib
import re
import socket
import subprocess
import threading
import zlib

import portico

ECHO_BINARY = portico.BINARY.parent / "portico_echo"
PATTERN_PERIOD = bytes(i % 251 for i in range(251))


def pattern_crc32(size):
    """Of the body that ?bytes=SIZE asks of an echo backend."""
    crc, block, left = 0, PATTERN_PERIOD * 4096, size
    while left > 0:
        crc = zlib.crc32(block[:left], crc)
        left -= min(left, len(block))
    return crc


class Echo:
    """One portico_echo process."""

    def __init__(self, name, service="echo", listen="127.0.0.1:0"):
        self.name = name
        self.process = subprocess.Popen(
            [ECHO_BINARY, "--listen", listen, "--name", name, "--service", service], stdout=subprocess.PIPE, text=True
        )
        self.port = int(self.process.stdout.readline())

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def end_listening(listener):
    """Ends the thread that accepts, too: one that goes on to wait may take what comes to the next owner of the descriptor."""
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Connection:
    """A connection the capture backend accepted: its socket and every byte that came.

    It may outlive a test, because Portico keeps connections: what came before `forget` is not counted.
    """

    def __init__(self, accepted):
        self.socket = accepted
        self.received = b""
        self._taken = 0
        self._forgotten = 0
        self.answers = 0

    def forget(self):
        self._forgotten = len(self.received)
        self.answers = 0

    def recent(self):
        return self.received[self._forgotten :]

    def fill(self):
        try:
            piece = self.socket.recv(1 << 16)
        except OSError:
            piece = b""
        self.received += piece
        return bool(piece)

    def _until(self, mark):
        while (end := self.received.find(mark, self._taken)) < 0:
            if not self.fill():
                return None
        text = self.received[self._taken : end]
        self._taken = end + len(mark)
        return text

    def _skip(self, count):
        while len(self.received) < self._taken + count:
            if not self.fill():
                return False
        self._taken += count
        return True

    def read_head(self):
        """The next request's head, or None at the end."""
        return self._until(b"\r\n\r\n")

    def read_body(self, head):
        """False where the connection ended before the body did."""
        length = re.search(rb"(?im)^content-length: *(\d+)", head)
        if re.search(rb"(?im)^transfer-encoding: *chunked", head):
            while (line := self._until(b"\r\n")) is not None and int(line.split(b";")[0], 16):
                self._skip(int(line.split(b";")[0], 16) + 2)
            while line := self._until(b"\r\n"):
                pass
            return line is not None
        return self._skip(int(length[1])) if length else True

    def send(self, data):
        with contextlib.suppress(OSError):
            self.socket.sendall(data)

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()


class Capture:
    """Answers each request with the next of `script` (the last one again and again): bytes, or a function that is
    handed the Connection and does as it likes; what it returns true for closes the connection."""

    def __init__(self, *script):
        self.script = list(script) or [OK]
        self._connections = []
        self._answered = 0
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                accepted, _ = self._listener.accept()
            except OSError:
                return
            connection = Connection(accepted)
            with self._lock:
                self._connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _next_answer(self):
        with self._lock:
            answer = self.script[min(self._answered, len(self.script) - 1)]
            self._answered += 1
            return answer

    def _serve(self, connection):
        while (head := connection.read_head()) is not None:
            if not connection.read_body(head):
                break  # it may be an earlier test's: it takes no answer of the script
            answer = self._next_answer()
            connection.answers += 1
            done = answer(connection) if callable(answer) else connection.send(answer)
            if done:
                break
        with contextlib.suppress(OSError):
            connection.socket.shutdown(socket.SHUT_RDWR)
            connection.socket.close()

    def play(self, *script):
        """Another script, and nothing recorded yet."""
        with self._lock:
            self.script = list(script) or [OK]
            self._answered = 0
            for connection in self._connections:
                connection.forget()

    @property
    def connections(self):
        """Those that anything was received on since the script began."""
        with self._lock:
            return [connection for connection in self._connections if connection.recent()]

    def received(self):
        """All bytes of all connections since the script began, in the order the connections were opened."""
        return b"".join(connection.recent() for connection in self.connections)

    def served(self):
        """The bytes of the connections on which a whole request was answered; the cut start of an earlier test's refused
        request may arrive late."""
        return b"".join(connection.recent() for connection in self.connections if connection.answers)

    def heads(self):
        """The heads received: [(request line, [(name, value)])]."""
        found = []
        for block in self.received().split(b"\r\n\r\n"):
            first, *lines = block.decode("latin-1").split("\r\n")
            if re.fullmatch(r"\S+ \S+ HTTP/1\.\d", first):
                found.append((first, [tuple(re.split(r":[ \t]*", line, maxsplit=1)) for line in lines]))
        return found

    def stop(self):
        end_listening(self._listener)
        with self._lock:
            for connection in self._connections:
                connection.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def closing(data):
    """An answer after which the connection is closed."""

    def answer(connection):
        connection.send(data)
        return True

    return answer
