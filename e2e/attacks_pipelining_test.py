"""Requests behind one another: what follows a request is the next one, or is never read. See attack.py for the oracle."""

import pytest
import wire
from attack import HIDDEN, HOST, MARKER, arrived, assert_one_request, get, post
from backends import OK, closing


def targets(recorded):
    return [request.target for request in arrived(recorded)]


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS", "PURGE"])
def test_a_body_hides_no_request_whatever_the_method(plain, recorded, method):
    raw = post(f"Content-Length: {len(HIDDEN)}", body=HIDDEN).replace("POST", method, 1)
    request, _ = assert_one_request(plain, recorded, raw, method)
    assert request.body == HIDDEN.encode() and request.method == method.encode()


def test_a_chunked_body_with_get_hides_no_request(plain, recorded):
    raw = get("Transfer-Encoding: chunked") + f"{len(HIDDEN):x}\r\n{HIDDEN}\r\n0\r\n\r\n"
    request, _ = assert_one_request(plain, recorded, raw)
    assert request.body == HIDDEN.encode()


def test_pipelined_requests_arrive_in_order_and_apart(plain, recorded):
    bodies = ["", "a", HIDDEN, "x" * 70_000]
    raw = "".join(post(f"Content-Length: {len(body)}", body=body, path=f"/{i}") for i, body in enumerate(bodies))
    with wire.Client(plain.http) as client:
        client.send(raw)
        assert [client.response().status for _ in bodies] == [200] * len(bodies)
    seen = arrived(recorded)
    assert [request.body for request in sorted(seen, key=lambda request: request.target)] == [body.encode() for body in bodies]


def test_a_refused_request_ends_the_pipeline(plain, recorded):
    with wire.Client(plain.http) as client:
        client.send(get(path="/first") + get("Content-Length: x") + get(path="/third"))
        assert client.response().status == 200
        assert client.response().status == 400
        assert client.rest() == b""
    assert targets(recorded) == [b"/first"]


def test_what_follows_connection_close_is_never_served(plain, recorded):
    with wire.Client(plain.http) as client:
        client.send(get("Connection: close") + HIDDEN)
        assert client.response().status == 200
        assert client.rest() == b""
    assert targets(recorded) == [b"/seen"]


def test_what_follows_an_http_1_0_request_is_never_served(plain, recorded):
    with wire.Client(plain.http) as client:
        client.send(get().replace("HTTP/1.1", "HTTP/1.0") + HIDDEN)
        assert client.response().status == 200
        assert client.rest() == b""
    assert targets(recorded) == [b"/seen"]


@pytest.mark.parametrize("length", [len(HIDDEN), 1000, 10_000_000])
def test_a_body_that_still_comes_when_portico_has_answered_is_no_request(plain, recorded, length):
    """Answered here (404): the rest of the body is read and dropped, or the connection is closed; never parsed."""
    raw = post(f"Content-Length: {length}").replace(HOST, "nobody.test")
    with wire.Client(plain.http) as client:
        assert client.send(raw).response().status in (404, 413)
        client.send((HIDDEN * (length // len(HIDDEN) + 1))[:length].encode()[:200_000])
        client.send(MARKER).finish_writing()
        client.rest()
    assert b"/hidden" not in targets(recorded)


def test_a_backend_that_answers_early_is_not_given_the_next_request_in_its_body(plain, recorded):
    """The backend's connection still waits for the body: it must not be used again."""
    recorded.play(OK)
    raw = post("Content-Length: 100", body="half")
    with wire.Client(plain.http) as client:
        client.send(raw)
        client.send("x" * 96)
        assert client.response().status == 200
        assert client.ask(MARKER).status == 200
    assert targets(recorded) == [b"/seen", b"/marker"]


def test_a_client_that_leaves_in_its_body_leaves_nothing_behind_on_the_backends_connection(plain, recorded):
    with wire.Client(plain.http) as client:
        client.send(post("Content-Length: 100", body="half"))
    for _ in range(5):
        with wire.Client(plain.http) as client:
            assert client.ask(MARKER).status == 200
    assert set(targets(recorded)) == {b"/marker"}


def test_an_answer_to_head_with_a_body_does_not_answer_the_next_request(plain, recorded):
    recorded.play(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", OK)
    with wire.Client(plain.http) as client:
        assert client.ask(get().replace("GET", "HEAD"), "HEAD").status == 200
        assert client.ask(MARKER).body == b"ok"


def test_a_second_answer_in_one_read_is_nobodys(plain, recorded):
    recorded.play(OK + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", closing(OK))
    with wire.Client(plain.http) as client:
        client.send(get(path="/1") + get(path="/2") + get(path="/3"))
        assert [client.response().body for _ in range(3)] == [b"ok"] * 3
