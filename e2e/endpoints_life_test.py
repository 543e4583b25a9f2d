"""Endpoints that leave: they finish their work, get nothing new, and nothing of theirs is kept."""

import contextlib
import threading
import zlib

import backends
import faults
import manifests
import portico
import pytest
import upstream_servers
import wire
from manifests import endpoint_slice, ingress, path, rule, service

TERMINATING = {"ready": False, "serving": True, "terminating": True}
ENDED = {"ready": False, "serving": False, "terminating": True}


class Endpoints:
    """The EndpointSlices of the Service `site`, one a port, so that each change is of one object."""

    def __init__(self, folder):
        self._folder = folder
        self.annotate()

    def annotate(self, **annotations):
        """`annotations`: dashes for underscores."""
        written = {key.replace("_", "-"): value for key, value in annotations.items()}
        site = ingress("site", rule("site.test", path("/", "site")), annotations=written)
        self._folder.write("site.yaml", service("site"), site)

    def put(self, port, **conditions):
        self._folder.write(f"slice-{port}.yaml", endpoint_slice("site", port, port, **conditions))

    def remove(self, port):
        self._folder.remove(f"slice-{port}.yaml")


@pytest.fixture
def endpoints(folder):
    return Endpoints(folder)


def changed(program, act):
    """Does `act` and returns once each worker goes by what it changed."""
    before = program.metric("portico_config_generation")
    act()
    program.in_effect(lambda: program.metric("portico_config_generation") > before)


def pods(program, count=12):
    with wire.Client(program.http) as client:
        return {client.ask(wire.request("site.test")).json()["pod"] for _ in range(count)}


LEAVING = {
    "terminating": lambda endpoints, port: endpoints.put(port, **TERMINATING),
    "unready": lambda endpoints, port: endpoints.put(port, ready=False),
    "gone": lambda endpoints, port: endpoints.remove(port),
}


@pytest.mark.parametrize("how", LEAVING)
def test_an_open_request_is_finished_and_no_other_comes(folder, endpoints, recorded, echo, how):
    held = faults.Held()
    recorded.play(held)
    endpoints.put(recorded.port)
    with portico.Portico(folder) as program, wire.Client(program.http) as client:
        client.send(wire.request("site.test", "/held"))
        held.wait()
        changed(program, lambda: endpoints.put(echo.port))
        changed(program, lambda: LEAVING[how](endpoints, recorded.port))
        assert pods(program) == {"a"}
        held.let_go()
        assert client.response().body == b"ok"
        assert [first for first, _ in recorded.heads()] == ["GET /held HTTP/1.1"]
        # Nor is its connection kept for anybody.
        portico.eventually(lambda: all_closed(recorded), what="the end of its connection")


def all_closed(capture):
    return all(connection.socket.fileno() == -1 for connection in capture.connections)


@pytest.mark.parametrize("how", LEAVING)
def test_an_upload_and_a_download_are_finished(folder, endpoints, echoes, how):
    a, b = echoes[:2]
    size = 20 << 20
    endpoints.put(a.port)
    with portico.Portico(folder) as program, contextlib.ExitStack() as stack:
        download = stack.enter_context(wire.Client(program.http, receive_buffer=4096))
        assert download.send(wire.request("site.test", f"/?bytes={size}")).final_head().status == 200
        upload = stack.enter_context(wire.Client(program.http))
        upload.send(wire.request("site.test", "/", "Content-Length: 100000", method="POST") + b"x" * 50_000)
        portico.eventually(lambda: program.metrics()['portico_upstream_connections{state="active"}'] == 2)
        changed(program, lambda: endpoints.put(b.port))
        changed(program, lambda: LEAVING[how](endpoints, a.port))
        upload.send(b"x" * 50_000)
        answer = upload.response().json()
        assert (answer["pod"], answer["body_bytes"]) == ("a", 100_000)
        assert zlib.crc32(download.exactly(size)) == backends.pattern_crc32(size)


@pytest.mark.parametrize("how", LEAVING)
def test_idle_connections_are_closed(folder, endpoints, recorded, echo, how):
    endpoints.put(recorded.port)
    with portico.Portico(folder) as program:
        for _ in range(10):
            assert wire.get(program.http, "site.test").status == 200
        assert recorded.connections and not all_closed(recorded)
        endpoints.put(echo.port)
        LEAVING[how](endpoints, recorded.port)
        portico.eventually(lambda: all_closed(recorded), what="the end of all idle connections")


@pytest.mark.parametrize("how", LEAVING)
def test_a_tunnel_stays(folder, endpoints, echoes, how):
    a, b = echoes[:2]
    endpoints.put(a.port)
    with portico.Portico(folder) as program, wire.Client(program.http) as tunnel:
        assert tunnel.ask(wire.request("site.test", "/", "Connection: Upgrade", "Upgrade: raw")).status == 101
        changed(program, lambda: endpoints.put(b.port))
        changed(program, lambda: LEAVING[how](endpoints, a.port))
        assert pods(program) == {"b"}
        assert tunnel.send(b"still here").exactly(10) == b"still here"
        tunnel.finish_writing()
        assert tunnel.rest() == b"bye\n"


def test_terminating_ones_serve_only_while_none_is_ready(folder, endpoints, echoes):
    a, b, c = (echo.port for echo in echoes)
    endpoints.put(a)
    endpoints.put(b)
    with portico.Portico(folder) as program:
        assert pods(program) == {"a", "b"}
        changed(program, lambda: endpoints.put(a, **TERMINATING))
        assert pods(program) == {"b"}
        changed(program, lambda: endpoints.put(b, **TERMINATING))
        assert pods(program) == {"a", "b"}
        changed(program, lambda: endpoints.put(b, **ENDED))
        assert pods(program) == {"a"}
        changed(program, lambda: endpoints.put(c))
        assert pods(program) == {"c"}
        changed(program, lambda: endpoints.remove(c))
        assert pods(program) == {"a"}
        changed(program, lambda: endpoints.put(a, **ENDED))
        assert wire.get(program.http, "site.test").status == 503


def test_an_endpoint_that_comes_back_is_used_again(folder, endpoints, echoes):
    a, b = (echo.port for echo in echoes[:2])
    endpoints.put(a)
    endpoints.put(b)
    with portico.Portico(folder) as program:
        for _ in range(5):
            changed(program, lambda: endpoints.put(a, **TERMINATING))
            assert pods(program) == {"b"}
            changed(program, lambda: endpoints.put(a))
            assert pods(program) == {"a", "b"}


def test_a_request_that_is_open_when_its_ingress_goes_is_finished(folder, endpoints, recorded):
    held = faults.Held()
    recorded.play(held)
    endpoints.put(recorded.port)
    with portico.Portico(folder) as program, wire.Client(program.http) as client:
        client.send(wire.request("site.test"))
        held.wait()
        changed(program, lambda: folder.write("site.yaml", manifests.ingress_class("another")))
        assert wire.get(program.http, "site.test").status == 404
        held.let_go()
        assert client.response().status == 200


def test_streams_of_http2_are_finished_and_then_their_connection_is_closed(folder, endpoints):
    asked, may_answer = threading.Event(), threading.Event()

    def held(_request):
        asked.set()
        may_answer.wait(portico.PATIENCE)
        return 200, [], b"old", None

    endpoints.annotate(backend_protocol="GRPC")
    with upstream_servers.H2Backend(held) as old, upstream_servers.H2Backend(lambda _: (200, [], b"new", None)) as new:
        endpoints.put(old.port)
        with portico.Portico(folder, "--workers", "1") as program, wire.Client(program.http) as client:
            client.send(wire.request("site.test"))
            assert asked.wait(portico.PATIENCE)
            changed(program, lambda: endpoints.put(new.port))
            changed(program, lambda: endpoints.remove(old.port))
            assert {wire.get(program.http, "site.test").body for _ in range(4)} == {b"new"}
            assert program.metric("portico_upstream_connections") == 2
            may_answer.set()
            assert client.response().body == b"old"
            portico.eventually(lambda: program.metric("portico_upstream_connections") == 1, what="the end of its connection")
