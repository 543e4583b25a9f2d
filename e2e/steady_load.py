"""Steady load: clients on kept connections at a bounded rate, and what became of each of their requests."""

import asyncio
import dataclasses
import re
import threading
import time

import portico
import wire

POD = re.compile(rb'"pod": *"([^"]*)"')
LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)\r\n")
CLOSES = re.compile(rb"(?i)\r\nconnection: *close\r\n")


@dataclasses.dataclass
class Outcome:
    number: int  # the request's query says ?n=NUMBER
    method: str
    began: float  # by time.monotonic()
    seconds: float = 0
    status: int | None = None  # None: no whole answer came
    pod: str | None = None  # the endpoint that answered
    problem: str = ""

    @property
    def failed(self):
        return self.status != 200


class Load:
    """`count` clients that ask in turns, `rate` requests a second in all or as fast as answers come, if that is slower.

    Of five requests three are GETs, one is a PUT and one a POST, both with a body. The clients run in a thread of their own;
    outcomes are in the order in which requests ended.
    """

    def __init__(self, address, host, rate=250, count=8, methods=("GET", "GET", "PUT", "GET", "POST")):
        self.outcomes = []
        self.count = count
        self._address, self._host, self._rate = address, host, rate
        self._methods = methods
        self._last = -1  # the number of the last request begun
        self._stopping = False
        self._thread = threading.Thread(target=lambda: asyncio.run(self._all()))

    async def _all(self):
        await asyncio.gather(*(self._client(place) for place in range(self.count)))

    async def _client(self, place):
        period = self.count / self._rate
        due = time.monotonic() + period * place / self.count
        connection = None
        while not self._stopping:
            await asyncio.sleep(max(0, due - time.monotonic()))
            due = max(due + period, time.monotonic())
            self._last += 1
            outcome = Outcome(self._last, self._methods[self._last % len(self._methods)], time.monotonic())
            try:
                connection = connection or await asyncio.open_connection(*self._address)
                keeps = await asyncio.wait_for(self._ask(connection, outcome), portico.PATIENCE)
            except (OSError, EOFError, ValueError, asyncio.TimeoutError) as error:
                outcome.status, outcome.problem, keeps = None, repr(error), False
            outcome.seconds = time.monotonic() - outcome.began
            self.outcomes.append(outcome)
            if not keeps and connection:
                connection[1].close()
                connection = None
        if connection:
            connection[1].close()

    async def _ask(self, connection, outcome):
        """True where the connection can be used again."""
        reader, writer = connection
        body = None if outcome.method == "GET" else b"x" * 100
        writer.write(wire.request(self._host, f"/?n={outcome.number}", method=outcome.method, body=body))
        head = await reader.readuntil(b"\r\n\r\n")
        length = LENGTH.search(head)
        if not length:
            raise ValueError(f"no length in {head}")
        text = await reader.readexactly(int(length[1]))
        outcome.status = int(head.split(b" ", 2)[1])
        pod = POD.search(text)
        outcome.pod = pod[1].decode() if pod else None
        return not CLOSES.search(head)

    def next(self, count):
        """The next `count` outcomes of requests that begin from now on."""
        now = time.monotonic()

        def those():
            found = [outcome for outcome in list(self.outcomes) if outcome.began >= now]
            return found[:count] if len(found) >= count else None

        return portico.eventually(those, what=f"{count} more answers")

    def settle(self):
        """Until whatever was asked before is over."""
        last = self._last

        def all_over():
            ended = {outcome.number for outcome in list(self.outcomes)}
            return all(number in ended for number in range(last + 1))

        portico.eventually(all_over, what="the end of what is open")

    def failures(self, *methods):
        """Of these methods, or of all."""
        return [one for one in list(self.outcomes) if one.failed and (not methods or one.method in methods)]

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stopping = True
        self._thread.join()
