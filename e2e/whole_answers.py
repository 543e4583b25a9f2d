"""A backend that says who it is, 20 ms after each request, in one piece: killed or frozen, it has answered or it has not.

python3 whole_answers.py PORT NAME; it says `ready` when it listens.
"""

import asyncio
import json
import re
import sys

SECONDS = 0.02
LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)\r\n")


def answer_of(name):
    body = json.dumps({"pod": name}).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body


async def serve(port, answer):
    async def converse(reader, writer):
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                if length := LENGTH.search(head):
                    await reader.readexactly(int(length[1]))
                await asyncio.sleep(SECONDS)
                writer.write(answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(converse, "127.0.0.1", port, backlog=1024)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), answer_of(sys.argv[2])))
