"""A DNS server on a loopback port that says what a test wants: A records, and no others."""

import socket
import struct
import threading

NO_ERROR, NO_SUCH_NAME = 0x8180, 0x8183
A, IN = 1, 1


class DnsServer:
    """`records`: {name: address}; other names do not exist. Change it at any time."""

    def __init__(self, ttl_seconds=0):
        self.records = {}
        self.asked = []
        self._ttl = ttl_seconds
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def environment(self):
        """For the program that is to ask this server."""
        return {"PORTICO_DNS_SERVERS": f"127.0.0.1:{self.port}"}

    def _serve(self):
        while True:
            try:
                query, peer = self._socket.recvfrom(512)
                self._socket.sendto(self._answer(query), peer)
            except OSError:
                return

    def _answer(self, query):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1 : at + 1 + query[at]].decode())
            at += 1 + query[at]
        question = query[12 : at + 5]
        (kind,) = struct.unpack("!H", query[at + 1 : at + 3])
        name = ".".join(labels).lower()
        self.asked.append(name)
        address = self.records.get(name) if kind == A else None
        code = NO_ERROR if name in self.records else NO_SUCH_NAME
        head = query[:2] + struct.pack("!HHHHH", code, 1, 1 if address else 0, 0, 0)
        if not address:
            return head + question
        pointer_to_the_question = 0xC00C
        record = struct.pack("!HHHIH", pointer_to_the_question, A, IN, self._ttl, 4)
        return head + question + record + socket.inet_aton(address)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()
