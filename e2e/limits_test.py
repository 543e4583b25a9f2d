"""Everything a peer controls is bounded, and each bound has its status."""

import concurrent.futures
import time

import portico
import pytest
import wire

SLOW = pytest.mark.skipif(portico.SANITIZED or not portico.LONG_TESTS, reason="takes a minute; ./dev test --all runs it in release")


def asked(program, request):
    with wire.Client(program.http) as client:
        answer = client.ask(request)
        assert client.ended()
        return answer.status


def test_a_target_that_is_too_long_is_414(plain):
    assert asked(plain, wire.request("echo.test", "/" + "x" * 40_000)) == 414


def test_a_field_that_is_too_long_is_431(plain):
    assert asked(plain, wire.request("echo.test", "/", "X-A: " + "b" * 70_000)) == 431


def test_too_many_fields_are_431(plain):
    assert asked(plain, wire.request("echo.test", "/", *(f"X-{i}: b" for i in range(101)))) == 431


def test_an_endless_head_is_431(plain):
    with wire.Client(plain.http) as client:
        client.send("GET / HTTP/1.1\r\nHost: echo.test\r\n")
        for _ in range(300):
            client.send("X-A: " + "b" * 1000 + "\r\n")
        assert client.response().status == 431


def test_a_client_that_reads_only_when_it_has_sent_everything_gets_its_413(plain):
    with wire.Client(plain.http) as client:
        client.send(wire.request("echo.test", method="POST", body=b"x" * (16 << 20)))
        assert client.response().status == 413


def test_a_head_within_bounds_passes(plain):
    lines = [f"X-{i}: " + "b" * 600 for i in range(90)]
    assert wire.get(plain.http, "echo.test", "/" + "x" * 8000, *lines).status == 200


def timed(program, act):
    """What `act` returns of a new connection, and how long that took."""
    begin = time.monotonic()
    with wire.Client(program.http, seconds=180) as client:
        return act(client), time.monotonic() - begin


def unfinished_head(client):
    status = client.send("GET / HTTP/1.1\r\nHost: echo.test\r\n").response().status
    return status, client.ended()


def unfinished_body(client):
    status = client.ask(wire.request("echo.test", "/", "Content-Length: 100", method="POST") + b"x").status
    return status, client.ended()


def nothing_more(client):
    return client.ask(wire.request("echo.test")).status, client.ended()


@pytest.fixture(scope="module")
def patience(plain):
    """The three waits side by side: {how: its future}."""
    with concurrent.futures.ThreadPoolExecutor() as threads:
        yield {act: threads.submit(timed, plain, act) for act in (unfinished_head, unfinished_body, nothing_more)}


@SLOW
def test_a_head_that_never_ends_is_408_in_a_minute(patience):
    seen, seconds = patience[unfinished_head].result()
    assert seen == (408, True) and 50 < seconds < 100


@SLOW
def test_a_body_that_stops_is_408_in_a_minute(patience):
    seen, seconds = patience[unfinished_body].result()
    assert seen == (408, True) and 50 < seconds < 100


@SLOW
def test_a_connection_that_says_nothing_is_closed_in_75_seconds(patience):
    seen, seconds = patience[nothing_more].result()
    assert seen == (200, True) and 60 < seconds < 120
