#!/usr/bin/env python3
"""Clients that ask at a steady pace: steady_client.py PORT HOST CLIENTS RATE [--as-answered]

Each of the CLIENTS keeps a connection; together they ask RATE times a second, whatever the answers do as long as a client is
free, or with --as-answered each as soon as its last answer is there. Two of three requests are GETs, one is a PUT of 100
bytes. Ends when standard input does; then a line `BEGAN SECONDS STATUS` for each request goes to standard output (BEGAN by the
monotonic clock; STATUS 0: no whole answer).
"""

import asyncio
import sys
import time

PATIENCE = 30
BODY = b"x" * 100


class Clients:
    def __init__(self, port, host, count, rate, as_answered):
        self._port = port
        self._period = 0 if as_answered else count / rate
        self._count = count
        self._ending = False
        head = f"{{}} / HTTP/1.1\r\nHost: {host}\r\n{{}}\r\n"
        get = head.format("GET", "").encode()
        put = head.format("PUT", f"Content-Length: {len(BODY)}\r\n").encode() + BODY
        self._requests = (get, get, put)
        self._asked = 0
        self.rows = []  # printed at the end: who reads them reads nothing before

    def end(self):
        self._ending = True

    async def run(self):
        await asyncio.gather(*(self._client(place) for place in range(self._count)))

    async def _client(self, place):
        due = time.monotonic() + self._period * place / self._count
        connection = None
        while not self._ending:
            await asyncio.sleep(max(0, due - time.monotonic()))
            began = max(due, time.monotonic() - self._period) if self._period else time.monotonic()
            due += self._period
            status = 0
            try:
                connection = connection or await asyncio.open_connection("127.0.0.1", self._port)
                status, keeps = await asyncio.wait_for(self._ask(connection), PATIENCE)
            except (OSError, EOFError, asyncio.TimeoutError):
                keeps = False
            ended = time.monotonic()
            self.rows.append((began, ended - began, status))
            due = max(due, ended)
            if not keeps and connection:
                connection[1].close()
                connection = None

    async def _ask(self, connection):
        reader, writer = connection
        writer.write(self._requests[self._asked % len(self._requests)])
        self._asked += 1
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = next(int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(length)
        return int(head.split(b" ", 2)[1]), b"connection: close" not in head


async def main():
    port, host, count, rate = sys.argv[1:5]
    clients = Clients(int(port), host, int(count), float(rate), "--as-answered" in sys.argv[5:])
    asyncio.get_running_loop().add_reader(sys.stdin, clients.end)
    await clients.run()
    for began, seconds, status in clients.rows:
        print(f"{began:.6f} {seconds:.6f} {status}")


if __name__ == "__main__":
    asyncio.run(main())
