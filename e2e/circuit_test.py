"""Limits of what a backend bears at once: circuit-*, the line that requests wait in, and what those are told that may not."""

import asyncio
import collections
import contextlib
import re
import subprocess
import threading
import time

import portico
import pytest
import websockets
import wire
from backends import OK, Capture
from faults import Held, answer
from manifests import config_map, ingress, path, rule, served

REASON = "x-portico-overloaded"


class Counting:
    """Answers after a while, and remembers how many did so at once."""

    def __init__(self, seconds):
        self.most = 0
        self._seconds = seconds
        self._now = 0
        self._lock = threading.Lock()

    def __call__(self, connection):
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        threading.Event().wait(self._seconds)
        with self._lock:
            self._now -= 1
        connection.send(OK)


@pytest.fixture
def backend():
    with Capture() as started:
        yield started


def site(folder, *ports, **annotations):
    annotations = {f"circuit-{name.replace('_', '-')}": str(value) for name, value in annotations.items()}
    return folder.write("web.yaml", *served("web", *ports), ingress("web", rule("web.test", path("/", "web")), annotations=annotations))


def samples(program, name):
    """Of the backend: {reason: value}, or the value of what has none."""
    found = {}
    for key, value in program.metrics().items():
        if key.startswith(f"portico_circuit_{name}{{"):
            reason = re.search(r'reason="([^"]*)"', key)
            found[reason[1] if reason else ""] = value
    return found


def gauge(program, name):
    return samples(program, name)[""]


def all_given_back(program):
    portico.eventually(lambda: [gauge(program, name) for name in ("requests", "pending", "retries")] == [0, 0, 0])


def statuses(program, clients, each=1):
    """Of so many clients at once."""
    results = collections.Counter()
    lock = threading.Lock()

    def run():
        with wire.Client(program.http) as client:
            for _ in range(each):
                response = client.ask(wire.request("web.test"))
                with lock:
                    results[response.status] += 1

    threads = [threading.Thread(target=run) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@contextlib.contextmanager
def waiting(program, count):
    """Clients whose requests wait in line."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(wire.Client(program.http)) for _ in range(count)]
        for client in clients:
            client.send(wire.request("web.test"))
        portico.eventually(lambda: gauge(program, "pending") == count)
        yield clients


def test_no_more_requests_reach_the_backend_than_it_may_bear(folder, backend):
    counting = Counting(0.05)
    backend.play(counting)
    with portico.Portico(site(folder, backend.port, max_requests=3, queue_timeout=60)) as program:
        assert statuses(program, clients=40, each=3) == {200: 120}
        assert counting.most == 3
        all_given_back(program)


def test_what_may_not_wait_is_refused_at_once_and_told_why(folder, backend):
    held = Held()
    backend.play(held)
    with portico.Portico(site(folder, backend.port, max_requests=1)) as program, wire.Client(program.http) as first:
        first.send(wire.request("web.test"))
        held.wait()
        for _ in range(4):
            refused = wire.get(program.http, "web.test")
            assert (refused.status, refused.field(REASON), refused.field("retry-after")) == (503, "max-requests", "1")
        held.let_go()
        assert first.response().status == 200
        assert samples(program, "refused_total") == {"max-requests": 4}
        all_given_back(program)


def test_a_line_has_an_end(folder, backend):
    held = Held()
    backend.play(held)
    limits = {"max_requests": 1, "max_pending": 2, "queue_timeout": 60}
    with portico.Portico(site(folder, backend.port, **limits)) as program, wire.Client(program.http) as first:
        first.send(wire.request("web.test"))
        held.wait()
        with waiting(program, 2) as clients:
            assert wire.get(program.http, "web.test").field(REASON) == "max-pending"
            held.let_go()
            assert [client.response().status for client in clients] == [200, 200]
        all_given_back(program)


def test_nobody_waits_longer_than_asked(folder, backend):
    held = Held()
    backend.play(held)
    limits = {"max_requests": 1, "queue_timeout": 0.5}
    with portico.Portico(site(folder, backend.port, **limits)) as program, wire.Client(program.http) as first:
        first.send(wire.request("web.test"))
        held.wait()
        began = time.monotonic()
        late = wire.get(program.http, "web.test")
        assert (late.status, late.field(REASON)) == (503, "queue-timeout")
        assert time.monotonic() - began >= 0.5
        held.let_go()
        assert first.response().status == 200
        all_given_back(program)


def test_clients_that_go_give_their_places_up(folder, backend):
    held = Held()
    backend.play(held)
    limits = {"max_requests": 1, "queue_timeout": 60}
    with portico.Portico(site(folder, backend.port, **limits)) as program, wire.Client(program.http) as first:
        first.send(wire.request("web.test"))
        held.wait()
        with waiting(program, 5):
            pass
        portico.eventually(lambda: gauge(program, "pending") == 0)
        with waiting(program, 1) as (last,):
            held.let_go()
            assert last.response().status == 200
        all_given_back(program)


def test_a_client_that_goes_while_it_is_served_makes_room(folder, backend):
    held = Held()
    backend.play(held, OK)
    limits = {"max_requests": 1, "queue_timeout": 60}
    with portico.Portico(site(folder, backend.port, **limits)) as program:
        impatient = wire.Client(program.http)
        impatient.send(wire.request("web.test"))
        held.wait()
        with waiting(program, 1) as (last,):
            impatient.socket.setsockopt(1, 13, b"\1\0\0\0\0\0\0\0")  # SO_LINGER: by a reset
            impatient.close()
            assert last.response().status == 200
        held.let_go()
        all_given_back(program)


def test_a_burst_of_a_thousand_clients_is_served_through_ten_places(folder, backend):
    counting = Counting(0.002)
    backend.play(counting)
    limits = {"max_requests": 10, "max_pending": 2000, "queue_timeout": 60}
    with portico.Portico(site(folder, backend.port, **limits)) as program:
        host, port = program.http
        told = subprocess.run(
            ["h2load", "-t1", "-n2000", "-c1000", "-m1", "--h1", f"--connect-to={host}:{port}", "http://web.test/"],
            capture_output=True,
            text=True,
            timeout=portico.COMMAND_SECONDS,
            check=False,
        ).stdout
        assert "2000 succeeded, 0 failed" in told, told
        assert counting.most <= 10
        all_given_back(program)


def test_streams_of_one_http2_connection_wait_too(folder, backend):
    counting = Counting(0.005)
    backend.play(counting)
    limits = {"max_requests": 2, "queue_timeout": 60}
    with portico.Portico(site(folder, backend.port, **limits)) as program:
        host, port = program.http
        told = subprocess.run(
            ["h2load", "-t1", "-n200", "-c2", "-m50", f"--connect-to={host}:{port}", "http://web.test/"],
            capture_output=True,
            text=True,
            timeout=portico.COMMAND_SECONDS,
            check=False,
        ).stdout
        assert "200 succeeded, 0 failed" in told, told
        assert counting.most == 2
        all_given_back(program)


def test_a_body_waits_with_its_request(folder, backend):
    held = Held()
    backend.play(held, OK)
    limits = {"max_requests": 1, "queue_timeout": 60}
    with portico.Portico(site(folder, backend.port, **limits)) as program, wire.Client(program.http) as first:
        first.send(wire.request("web.test"))
        held.wait()
        with wire.Client(program.http) as second:
            body = b"x" * 100_000
            second.send(wire.request("web.test", method="PUT", body=body))
            portico.eventually(lambda: gauge(program, "pending") == 1)
            held.let_go()
            assert second.response().status == 200
        assert body in backend.received()


def test_a_websocket_holds_its_place(folder):
    async def echo(socket, *_):
        async for message in socket:
            await socket.send(message)

    async def talk():
        async with websockets.serve(echo, "127.0.0.1", 0) as server:
            site(folder, server.sockets[0].getsockname()[1], max_requests=1)
            program = await asyncio.to_thread(portico.Portico, folder)
            try:
                host, port = program.http
                async with websockets.connect("ws://web.test/", host=host, port=port) as socket:
                    await socket.send("hello")
                    assert await socket.recv() == "hello"
                    assert await asyncio.to_thread(gauge, program, "requests") == 1
                    refused = await asyncio.to_thread(wire.get, program.http, "web.test")
                    assert (refused.status, refused.field(REASON)) == (503, "max-requests")
                await asyncio.to_thread(all_given_back, program)
            finally:
                await asyncio.to_thread(program.stop)

    asyncio.run(talk())


def test_no_more_requests_are_tried_again_than_asked(folder):
    held = Held()
    bad = answer(503, b"later")
    with Capture(bad) as failing, Capture(held) as slow:
        annotations = {
            "circuit-max-retries": "1",
            "proxy-next-upstream": "http_503",
            "outlier-ejection": "off",
        }
        web = ingress("web", rule("web.test", path("/", "web")), annotations=annotations)
        folder.write("web.yaml", *served("web", failing.port, slow.port), web)
        with portico.Portico(folder) as program, contextlib.ExitStack() as stack:
            def one_more():
                client = stack.enter_context(wire.Client(program.http))
                client.send(wire.request("web.test"))

            # Until one of them was tried again, and waits there.
            portico.eventually(lambda: one_more() or gauge(program, "retries") == 1)
            portico.eventually(lambda: one_more() or samples(program, "refused_total").get("max-retries", 0) > 0)
            assert gauge(program, "retries") == 1
            held.let_go()
            all_given_back(program)


def test_the_config_map_limits_every_backend_and_lets_go_again(folder, backend):
    held = Held()
    backend.play(held)
    site(folder, backend.port)
    folder.write("settings.yaml", config_map("settings", **{"circuit-max-requests": "1", "circuit-queue-timeout": "60"}))
    with portico.Portico(folder, "--configmap", "default/settings") as program, wire.Client(program.http) as first:
        first.send(wire.request("web.test"))
        held.wait()
        with waiting(program, 2) as clients:
            folder.write("settings.yaml", config_map("settings"))
            held.let_go()
            assert [client.response().status for client in clients] == [200, 200]


def test_whoever_waits_is_served_by_the_endpoints_of_then(folder, backend):
    held = Held()
    backend.play(held)
    limits = {"max_requests": 1, "queue_timeout": 60}
    with Capture(answer(200, b"new")) as new, portico.Portico(site(folder, backend.port, **limits)) as program:
        with wire.Client(program.http) as first:
            first.send(wire.request("web.test"))
            held.wait()
            with waiting(program, 1) as (second,):
                generation = program.metric("portico_config_generation")
                site(folder, new.port, **limits)
                program.in_effect(lambda: program.metric("portico_config_generation") > generation)
                held.let_go()
                assert first.response().status == 200
                assert second.response().body == b"new"


# ---- connections


def test_no_more_connections_than_asked_by_all_workers_together(folder):
    counts = [Counting(0.005) for _ in range(3)]
    with contextlib.ExitStack() as stack:
        backends = [stack.enter_context(Capture(count)) for count in counts]
        limits = {"max_connections": 4, "queue_timeout": 60}
        program = stack.enter_context(portico.Portico(site(folder, *[each.port for each in backends], **limits)))
        done = threading.Event()
        seen = []

        def watch():
            while not done.is_set():
                seen.append(gauge(program, "connections"))

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            assert statuses(program, clients=30, each=5) == {200: 150}
        finally:
            done.set()
            watcher.join()
        assert 0 < max(seen) <= 4
        assert program.metric("portico_upstream_connections") <= 4
        all_given_back(program)


def test_a_connection_that_is_idle_elsewhere_is_no_hindrance(folder):
    with contextlib.ExitStack() as stack:
        backends = [stack.enter_context(Capture()) for _ in range(3)]
        site(folder, *[each.port for each in backends], max_connections=1)
        program = stack.enter_context(portico.Portico(folder, "--workers", "4"))
        for _ in range(40):
            assert wire.get(program.http, "web.test").status == 200
        assert gauge(program, "connections") <= 1


def test_without_a_line_the_last_connection_in_use_refuses(folder, backend):
    held = Held()
    backend.play(held)
    with portico.Portico(site(folder, backend.port, max_connections=1)) as program, wire.Client(program.http) as first:
        first.send(wire.request("web.test"))
        held.wait()
        refused = wire.get(program.http, "web.test")
        assert (refused.status, refused.field(REASON)) == (503, "max-connections")
        held.let_go()
        assert first.response().status == 200


def test_bad_limits_are_told_and_limit_nothing(folder, backend):
    with portico.Portico(site(folder, backend.port, max_requests="many")) as program:
        program.wait_for_log("circuit-max-requests")
        assert wire.get(program.http, "web.test").status == 200
        assert samples(program, "requests") == {}
