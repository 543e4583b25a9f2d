"""Backends that misbehave: a bad answer is 502, a cut one is seen as cut, and neither connection is used again."""

import pathlib
import signal
import socket

import portico
import pytest
import wire
from backends import OK, closing
from manifests import Folder, ingress, ingress_class, path, rule, served

BAD_ANSWERS = {
    "both framings": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "unequal lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
    "bad length": b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\nok",
    "no HTTP at all": b"hello\r\n\r\n",
    "HTTP/0.9": b"<html>ok</html>",
    "status out of range": b"HTTP/1.1 1000 Huge\r\n\r\n",
    "status 000": b"HTTP/1.1 000 None\r\n\r\n",
    "no status": b"HTTP/1.1 OK\r\n\r\n",
    "HTTP/3": b"HTTP/3.0 200 OK\r\n\r\n",
    "bare CR in a value": b"HTTP/1.1 200 OK\r\nX-A: b\rSet-Cookie: c=d\r\nContent-Length: 0\r\n\r\n",
    "NUL in a value": b"HTTP/1.1 200 OK\r\nX-A: b\0c\r\nContent-Length: 0\r\n\r\n",
    "space before the colon": b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok",
    "folded field": b"HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\nContent-Length: 0\r\n\r\n",
    "a megabyte of head": b"HTTP/1.1 200 OK\r\n" + b"X-A: " + b"b" * (1 << 20) + b"\r\n\r\n",
    "too many fields": b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 2000 + b"Content-Length: 0\r\n\r\n",
    "unknown coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Le",
}


@pytest.mark.parametrize("name", BAD_ANSWERS)
def test_is_502_and_the_connection_is_not_reused(plain, recorded, name):
    recorded.play(closing(BAD_ANSWERS[name]), OK)
    with wire.Client(plain.http) as client:
        assert client.ask(wire.request("capture.test", method="POST", body=b"")).status == 502
        assert client.ask(wire.request("capture.test")).status == 200
    assert len(recorded.connections) == 2


CUT_ANSWERS = {
    "a length that is not reached": (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", b"half"),
    "chunks without an end": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", b"half"),
    "half a chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nhalf", b"half"),
    "a bad chunk size": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n", b"half"),
}


@pytest.mark.parametrize("name", CUT_ANSWERS)
def test_the_client_sees_the_cut(plain, recorded, name):
    answer, partial = CUT_ANSWERS[name]
    recorded.play(closing(answer))
    with wire.Client(plain.http) as client, pytest.raises(wire.Cut) as cut:
        client.ask(wire.request("capture.test", method="POST", body=b""))
    assert partial.startswith(cut.value.partial)


def reset_in_the_middle(connection):
    connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
    connection.reset()
    return True


def assert_cut_or_502(program):
    with wire.Client(program.http) as client:
        try:
            answer = client.ask(wire.request("capture.test", method="POST", body=b""))
        except wire.Cut:
            return
        assert answer.status == 502


def test_a_reset_in_the_middle_is_seen_as_a_cut(plain, recorded):
    recorded.play(reset_in_the_middle)
    assert_cut_or_502(plain)


def test_a_reset_that_comes_together_with_bytes_is_noticed(plain, recorded):
    """The program is stopped meanwhile, so that it hears of both at once: one readiness event for two facts."""

    def state():
        return pathlib.Path(f"/proc/{plain.pid}/stat").read_text().rsplit(")", 1)[1].split()[0]

    def reset_unseen(connection):
        plain.signal(signal.SIGSTOP)
        portico.eventually(lambda: state() == "T")
        reset_in_the_middle(connection)
        plain.signal(signal.SIGCONT)
        return True

    recorded.play(reset_unseen)
    assert_cut_or_502(plain)


def test_bytes_behind_an_answer_are_never_the_next_answer(plain, recorded):
    recorded.play(OK + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", OK)
    with wire.Client(plain.http) as client:
        assert [client.ask(wire.request("capture.test")).body for _ in range(3)] == [b"ok"] * 3
    assert len(recorded.connections) >= 2


@pytest.mark.parametrize("status", [204, 304])
def test_a_body_where_none_may_be_is_dropped_with_the_connection(plain, recorded, status):
    recorded.play(b"HTTP/1.1 %d None\r\nContent-Length: 4\r\n\r\nevil" % status, OK)
    with wire.Client(plain.http) as client:
        assert client.ask(wire.request("capture.test")).status == status
        assert client.ask(wire.request("capture.test")).body == b"ok"


def test_a_flood_of_interim_answers_ends(plain, recorded):
    recorded.play(closing(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 5000))
    with wire.Client(plain.http) as client:
        client.send(wire.request("capture.test", method="POST", body=b""))
        try:
            assert client.final_head().status == 502
        except wire.Cut:
            pass
    assert wire.get(plain.http, "echo.test").status == 200


def test_a_connection_that_went_stale_is_replaced_without_the_client_noticing(plain, recorded):
    """The backend closes after its answer without saying so: the next request finds a dead connection."""
    with wire.Client(plain.http) as client:
        for _ in range(10):
            recorded.play(closing(OK))
            assert client.ask(wire.request("capture.test")).status == 200


def test_a_close_before_any_answer_on_a_new_connection_is_502(plain, recorded):
    recorded.play(closing(b""))
    assert wire.get(plain.http, "capture.test", method="POST", body=b"x").status == 502


def test_a_post_is_never_sent_twice_once_it_was_heard(plain, recorded):
    recorded.play(closing(b""))
    assert wire.get(plain.http, "capture.test", "/once", method="POST", body=b"x").status == 502
    assert recorded.received().count(b"POST /once") == 1


@pytest.fixture(scope="module")
def impatient(tmp_path_factory, capture, silent_port, refused_port):
    folder = Folder(tmp_path_factory.mktemp("impatient")).write("class.yaml", ingress_class())
    folder.write("services.yaml", *served("capture", capture.port), *served("full", silent_port))
    folder.write("refused.yaml", *served("refused", refused_port), *served("half", refused_port, capture.port))
    timeouts = {"proxy-connect-timeout": "1", "proxy-read-timeout": "1", "proxy-send-timeout": "1", "proxy-body-size": "0"}
    rules = {name: rule(f"{name}.test", path("/", name)) for name in ("capture", "full", "refused", "half")}
    half = rules.pop("half")
    folder.write("ingress.yaml", ingress("impatient", *rules.values(), annotations=timeouts), ingress("patient", half))
    with portico.Portico(folder) as program:
        yield program


@pytest.fixture(scope="module")
def silent_port():
    """A listener whose queue is full: connecting takes for ever."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = []
        for _ in range(8):
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
            waiting.append(client)
        yield listener.getsockname()[1]
        for client in waiting:
            client.close()


def test_a_backend_that_refuses_is_502(impatient):
    assert wire.get(impatient.http, "refused.test").status == 502


def test_a_replica_that_refuses_costs_no_request(impatient, recorded):
    statuses = [wire.get(impatient.http, "half.test").status for _ in range(10)]
    assert statuses == [200] * 10


def test_a_connect_that_takes_too_long_is_504(impatient):
    assert wire.get(impatient.http, "full.test").status == 504


def test_an_answer_that_takes_too_long_is_504(impatient, recorded):
    recorded.play(lambda connection: connection.fill())
    assert wire.get(impatient.http, "capture.test", method="POST", body=b"").status == 504


def test_a_body_that_stalls_is_cut(impatient, recorded):
    def stall(connection):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        return not connection.fill()

    def cut_after():
        try:
            late = wire.get(impatient.http, "capture.test", method="POST", body=b"")
        except wire.Cut as cut:
            return cut.partial
        assert late.status == 504, "the head took over a second, too"
        return None

    recorded.play(stall)
    assert portico.eventually(cut_after) == b"half"
