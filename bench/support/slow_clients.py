"""Thousands of clients that are slow on purpose; a program, so that they have a core of their own and not the bench's lock.

    slow_clients.py PORT HOST COUNT

A third sends its request's head a byte at a time, a third its body, a third reads a large answer by little pieces: each
moves every few seconds. One that is cut off comes back. Prints "open COUNT" once all are; ends with its input.
"""

import itertools
import os
import selectors
import socket
import sys
import time

PAUSE_SECONDS = 5  # between two moves of a client
RECEIVE_BUFFER = 4096
READ_BYTES = 512


class Client:
    def __init__(self, port, host, kind):
        self._port, self._kind = port, kind
        head = f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 100000\r\n"
        self._first, self._drips = {
            "head": (head.encode(), itertools.cycle([b"X", b"-", b"A", b":", b"1", b"\r\n"])),
            "body": (head.encode() + b"\r\n", itertools.repeat(b"x")),
            "reader": (f"GET /large HTTP/1.1\r\nHost: large-{host}\r\n\r\n".encode(), None)}[kind]
        self.open()

    def open(self):
        self.socket = socket.socket()
        if self._kind == "reader":
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        self.socket.connect(("127.0.0.1", self._port))
        self.socket.send(self._first)
        self.socket.setblocking(False)

    def move(self):
        """One small step; from the start where the server has had enough."""
        try:
            if self._drips:
                self.socket.send(next(self._drips))
                over = self._has_answer()
            else:
                over = not self.socket.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            over = True
        if over:
            self.socket.close()
            self.open()

    def _has_answer(self):
        try:
            self.socket.recv(READ_BYTES)
            return True
        except BlockingIOError:
            return False


def main(port, host, count):
    kinds = itertools.cycle(["head", "body", "reader"])
    clients = [Client(port, host, next(kinds)) for _ in range(count)]
    print(f"open {count}", flush=True)
    os.set_blocking(0, False)
    ended = selectors.DefaultSelector()
    ended.register(0, selectors.EVENT_READ)
    turn = itertools.cycle(clients)
    batch = max(1, count // (PAUSE_SECONDS * 20))
    while not ended.select(0.05):
        for client in itertools.islice(turn, batch):
            client.move()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
