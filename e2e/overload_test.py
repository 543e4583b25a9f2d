"""Limits of connections and memory: what is refused, how, and that the rest is served."""

import contextlib
import ssl

import portico
import pytest
import wire
from manifests import ingress, path, rule, served

REFUSED = "portico_connections_refused_total"


@pytest.fixture
def site(folder, echo, capture):
    capture.play()
    folder.write("services.yaml", *served("echo", echo.port), *served("capture", capture.port))
    return folder.write(
        "ingress.yaml",
        ingress("web", rule("echo.test", path("/", "echo")), rule("capture.test", path("/", "capture"))),
    )


def refused(program, reason):
    return program.metrics()[f'{REFUSED}{{reason="{reason}"}}']


@contextlib.contextmanager
def busy(address, count):
    """Connections in the middle of a request's head: none of them is idle."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(wire.Client(address)) for _ in range(count)]
        for client in clients:
            client.send("GET / HTTP/1.1\r\nHost: echo.test\r\n")
        yield clients


def test_one_connection_too_many_is_told_to_come_back(site):
    with portico.Portico(site, "--max-connections", "20") as program, busy(program.http, 20) as clients:
        portico.eventually(lambda: program.metric("portico_connections_open") == 20)
        with wire.Client(program.http) as late:
            answer = late.response()
            assert answer.status == 503 and answer.field("retry-after") == "1" and late.ended()
        assert refused(program, "max_connections") == 1
        for client in clients:
            assert client.ask("\r\n").status == 200


def test_room_is_made_when_one_leaves(site):
    with portico.Portico(site, "--max-connections", "20", "--workers", "1") as program:
        with busy(program.http, 20):
            portico.eventually(lambda: program.metric("portico_connections_open") == 20)
        portico.eventually(lambda: wire.get(program.http, "echo.test").status == 200)


def test_idle_connections_make_room_for_fresh_ones(site):
    with portico.Portico(site, "--max-connections", "20", "--workers", "1") as program, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(wire.Client(program.http)) for _ in range(20)]
        for client in clients:
            assert client.ask(wire.request("echo.test")).status == 200
        for _ in range(5):
            with wire.Client(program.http) as fresh:
                assert fresh.ask(wire.request("echo.test")).status == 200
        assert refused(program, "max_connections") == 0


def test_over_tls_one_too_many_is_just_closed(site):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with portico.Portico(site, "--max-connections", "5") as program, busy(program.http, 5):
        portico.eventually(lambda: program.metric("portico_connections_open") == 5)
        with pytest.raises((ssl.SSLError, ConnectionError)):
            wire.Client(program.https, tls_name="echo.test", tls_context=context)


def test_one_client_may_have_so_many_and_no_more(site):
    with portico.Portico(site, "--max-connections-per-client", "10") as program, busy(program.http, 10):
        portico.eventually(lambda: program.metric("portico_connections_open") == 10)
        with wire.Client(program.http) as late:
            assert late.response().status == 503
        assert refused(program, "max_connections_per_client") >= 1


def test_without_memory_requests_are_told_to_come_back_and_the_probes_answer(site):
    with portico.Portico(site, "--max-memory", "1m", ready=False) as program:
        portico.eventually(program.is_ready)

        def shed():
            with wire.Client(program.http) as client:
                answer = client.send(wire.request("echo.test")).response()
            return answer.status == 503 and answer.field("retry-after") == "1"

        portico.eventually(shed, what="503 for want of memory")
        assert refused(program, "memory") >= 1
        assert program.admin("/healthz")[0] == 200
        assert program.metric("portico_memory_limit_bytes") == 1 << 20


def test_with_memory_to_spare_nothing_is_refused(site):
    with portico.Portico(site, "--max-memory", "8g") as program:
        for _ in range(20):
            assert wire.get(program.http, "echo.test").status == 200
        assert program.metric(REFUSED) == 0
        assert 0 < program.metric("portico_memory_used_bytes") < program.metric("portico_memory_limit_bytes")
