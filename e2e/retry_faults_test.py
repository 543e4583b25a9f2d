"""Which faults of an endpoint are tried at another, and which never are; retries_test.py has the rules.

Of two endpoints one is bad. Twelve requests meet it several times.
"""

import contextlib
import re

import backends
import faults
import h2.errors
import h2_client
import portico
import pytest
import wire
from manifests import ingress, path, rule, served
from upstream_servers import H2Backend

HOST = "two.test"
REQUESTS = 12
GOOD = faults.named("good")
RESET = faults.reset_behind(b"")
MALFORMED = backends.closing(b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\n")


@pytest.fixture
def two(folder):
    """Starts Portico in front of a bad endpoint and a good one: two(bad's script, annotations) -> (program, bad, good)."""
    with contextlib.ExitStack() as stack:

        def start(bad, **annotations):
            written = {key.replace("_", "-"): value for key, value in annotations.items()}
            ends = [stack.enter_context(backends.Capture(script)) for script in (bad, GOOD)]
            folder.write("site.yaml", *served("two", *(one.port for one in ends)))
            folder.write("ingress.yaml", ingress("two", rule(HOST, path("/", "two")), annotations=written))
            return stack.enter_context(portico.Portico(folder)), *ends

        yield start


def asked(program, method="GET", body=None):
    """The statuses of some requests, each with a path of its own."""
    with wire.Client(program.http) as client:
        requests = [wire.request(HOST, f"/{number}", method=method, body=body) for number in range(REQUESTS)]
        return [client.ask(request, method).status for request in requests]


def paths(capture):
    return [first.split(" ")[1] for first, _ in capture.heads()]


RETRIED = {
    "a half-close, by default": (faults.half_close_behind(b""), {}, "DELETE"),
    "a malformed head": (MALFORMED, {"proxy_next_upstream": "invalid_header"}, "GET"),
    "403": (faults.named("bad", 403), {"proxy_next_upstream": "http_403"}, "GET"),
    "404": (faults.named("bad", 404), {"proxy_next_upstream": "http_404"}, "GET"),
    "429": (faults.named("bad", 429), {"proxy_next_upstream": "error http_429"}, "GET"),
    "500": (faults.named("bad", 500), {"proxy_next_upstream": "http_500 http_502"}, "OPTIONS"),
    "504": (faults.named("bad", 504), {"proxy_next_upstream": "http_504"}, "GET"),
}


@pytest.mark.parametrize("name", RETRIED)
def test_is_tried_at_another_endpoint(two, name):
    script, annotations, method = RETRIED[name]
    program, bad, good = two(script, **annotations)
    assert asked(program, method) == [200] * REQUESTS
    assert paths(bad), "none met the bad one"
    assert sorted(paths(good)) == sorted(f"/{number}" for number in range(REQUESTS))


HANDED_ON = {
    "503 where only 502 is named": (faults.named("bad", 503), {"proxy_next_upstream": "http_502"}, "GET", 503),
    "a reset of a POST": (RESET, {}, "POST", 502),
    "a reset where it is off": (RESET, {"proxy_next_upstream": "off"}, "GET", 502),
    "a reset where there is one try": (RESET, {"proxy_next_upstream_tries": "1"}, "GET", 502),
    "a malformed head, by default": (MALFORMED, {}, "GET", 502),
}


@pytest.mark.parametrize("name", HANDED_ON)
def test_is_not_tried_again(two, name):
    script, annotations, method, status = HANDED_ON[name]
    program, bad, good = two(script, **annotations)
    seen = asked(program, method, b"" if method == "POST" else None)
    assert set(seen) == {200, status}
    # Each was sent once, and what the bad one was sent is what failed.
    assert len(paths(bad)) == seen.count(status) and len(paths(good)) == seen.count(200)


def test_a_cut_answer_is_never_tried_again(two):
    """Part of it may have reached the client."""
    program, bad, good = two(faults.half_close_behind(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"))
    cuts = 0
    for number in range(REQUESTS):
        try:
            assert wire.get(program.http, HOST, f"/{number}").status == 200
        except wire.Cut:
            cuts += 1
    assert cuts == len(paths(bad)) > 0
    assert len(paths(good)) == REQUESTS - cuts


@pytest.mark.parametrize("size", [0, 16_000])
def test_a_body_is_sent_again_whole(two, size):
    program, bad, good = two(RESET)
    body = bytes(ord("a") + place % 26 for place in range(size))
    assert asked(program, "PUT", body) == [200] * REQUESTS
    assert paths(bad)
    sent = [re.search(rb"(?is)content-length: *(\d+).*?\r\n\r\n", piece)[1] for piece in good.received().split(b"PUT ")[1:]]
    assert [int(length) for length in sent] == [size] * REQUESTS
    assert good.received().count(b"\r\n\r\n" + body) >= REQUESTS


def test_streams_of_http2_are_tried_again(two):
    program, bad, good = two(RESET)
    with h2_client.Client(program.http) as client:
        numbers = [client.open(HOST, f"/{number}") for number in range(REQUESTS)]
        assert [client.response(number).status for number in numbers] == [200] * REQUESTS
    assert paths(bad) and len(paths(good)) == REQUESTS


CHANGES = {
    "another Ingress comes": lambda folder, _: folder.write("more.yaml", ingress("more", rule("more.test", path("/", "two")))),
    "the endpoint that was asked goes": lambda folder, good: folder.write("site.yaml", *served("two", good.port)),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_meanwhile_takes_no_try_away(two, folder, name):
    held = faults.Held(then=lambda connection: connection.reset() or True)
    program, bad, good = two(held)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(wire.Client(program.http)) for _ in range(4)]
        for client in clients:
            client.send(wire.request(HOST))
        held.wait()
        before = program.metric("portico_config_generation")
        CHANGES[name](folder, good)
        program.in_effect(lambda: program.metric("portico_config_generation") > before)
        held.let_go()
        assert [client.response().status for client in clients] == [200] * 4


HTTP2_FAULTS = {
    "a reset of the stream": lambda asked: asked.served.h2.reset_stream(asked.stream, h2.errors.ErrorCodes.INTERNAL_ERROR),
    "the connection's end": lambda asked: asked.served.connection.close(),
}


@pytest.mark.parametrize("name", HTTP2_FAULTS)
def test_endpoints_of_http2_that_fail_are_passed_over_but_for_posts(folder, name):
    def fail(request):
        HTTP2_FAULTS[name](request)

    with H2Backend(fail) as bad, H2Backend(lambda _: (200, [], b"ok", None)) as good:
        folder.write("site.yaml", *served("two", bad.port, good.port))
        annotations = {"backend-protocol": "GRPC", "outlier-ejection": "off"}
        folder.write("ingress.yaml", ingress("two", rule(HOST, path("/", "two")), annotations=annotations))
        with portico.Portico(folder) as program:
            assert asked(program) == [200] * REQUESTS
            assert asked(program, "PUT", b"x" * 100) == [200] * REQUESTS
            before = len(bad.requests)
            posts = asked(program, "POST", b"x")
            assert before > 0 and set(posts) == {200, 502}
            assert len(bad.requests) - before == posts.count(502)
