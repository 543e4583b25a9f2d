#!/usr/bin/env python3
"""One replica of an application that can be made to fail: replica.py PORT [SECONDS-A-REQUEST]

It answers every request with its port. PORT 0 takes any, and prints it. With SECONDS-A-REQUEST it serves one request after the
other, each for so long. After SIGUSR1 a fifth of the answers are 503, after SIGUSR2 none again.
"""

import asyncio
import itertools
import signal
import sys


class Replica:
    def __init__(self, seconds):
        self._seconds = seconds
        self._turn = asyncio.Lock()
        self._failing = False
        self._numbers = itertools.count()

    def fail(self, failing):
        self._failing = failing

    async def serve(self, reader, writer):
        port = writer.get_extra_info("sockname")[1]
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                await self._read_body(reader, head)
                if self._seconds:
                    async with self._turn:
                        await asyncio.sleep(self._seconds)
                bad = self._failing and next(self._numbers) % 5 == 0
                body = str(port).encode()
                status = b"503 Service Unavailable" if bad else b"200 OK"
                writer.write(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _read_body(self, reader, head):
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                await reader.readexactly(int(line[15:]))


async def main(port, seconds):
    replica = Replica(seconds)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, replica.fail, True)
    loop.add_signal_handler(signal.SIGUSR2, replica.fail, False)
    server = await asyncio.start_server(replica.serve, "127.0.0.1", port, reuse_address=True)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 0))
