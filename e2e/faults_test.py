"""What a client sees of one endpoint's fault, and that nothing of it is left for the next request.

Malformed answers are in upstream_faults_test.py; here connections end, stop or go slowly.
"""

import threading

import faults
import h2_client
import portico
import pytest
import wire
from backends import OK
from manifests import Folder, ingress, ingress_class, path, rule, served

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\n\r\n"
HOST = "capture.test"


@pytest.fixture(scope="module")
def program(tmp_path_factory, capture):
    """One endpoint, short timeouts."""
    folder = Folder(tmp_path_factory.mktemp("faults")).write("class.yaml", ingress_class())
    timeouts = {"proxy-connect-timeout": "1", "proxy-read-timeout": "1", "proxy-send-timeout": "1", "proxy-body-size": "0"}
    folder.write("site.yaml", *served("capture", capture.port))
    folder.write(
        "ingress.yaml",
        ingress("capture", rule(HOST, path("/", "capture")), annotations=timeouts),
        ingress("encrypted", rule("encrypted.test", path("/", "capture")), annotations=timeouts | {"backend-protocol": "HTTPS"}),
    )
    with portico.Portico(folder) as started:
        yield started


def assert_well(program, recorded):
    """A good request through the endpoint that was bad, on a new connection of the client."""
    recorded.play(OK)
    assert wire.get(program.http, HOST).status == 200
    assert program.admin("/healthz")[0] == 200


UNANSWERED = {
    "a reset instead of an answer": (faults.reset_behind(b""), 502),
    "a reset in the head": (faults.reset_behind(b"HTTP/1.1 200 OK\r\nContent-Le"), 502),
    "a reset behind an early hint": (faults.reset_behind(b"HTTP/1.1 103 Early Hints\r\n\r\n"), 502),
    "a half-close instead of an answer": (faults.half_close_behind(b""), 502),
    "a half-close in the head": (faults.half_close_behind(b"HTTP/1.1 200 OK\r\nContent-Le"), 502),
    "silence": (faults.hang, 504),
    "silence in the head": (faults.silent_behind(b"HTTP/1.1 200 OK\r\nContent-Le"), 504),
    "silence behind an early hint": (faults.silent_behind(b"HTTP/1.1 103 Early Hints\r\n\r\n"), 504),
}


@pytest.mark.parametrize("name", UNANSWERED)
def test_has_its_status_and_the_clients_connection_stays(program, recorded, name):
    fault, status = UNANSWERED[name]
    recorded.play(fault)
    with wire.Client(program.http) as client:
        assert client.ask(wire.request(HOST, method="POST", body=b"x")).status == status
        recorded.play(OK)
        assert client.ask(wire.request(HOST)).status == 200
    assert_well(program, recorded)


@pytest.mark.parametrize("name", UNANSWERED)
def test_has_its_status_over_http2_and_ends_its_stream_only(program, recorded, name):
    fault, status = UNANSWERED[name]
    recorded.play(fault)
    with h2_client.Client(program.http) as client:
        number = client.open(HOST, method="POST", end=False)
        client.send(number, b"x", end=True)
        assert client.response(number).status == status
        recorded.play(OK)
        assert client.ask(HOST).status == 200


CUTS = {
    "a reset in a body of known length": faults.reset_behind(HEAD + b"half"),
    "a reset in a chunk": faults.reset_behind(CHUNKED + b"8\r\nhalf"),
    "a reset between chunks": faults.reset_behind(CHUNKED + b"4\r\nhalf\r\n"),
    "a reset in a body that ends with its connection": faults.reset_behind(UNTIL_CLOSE + b"half"),
    "a half-close in a body of known length": faults.half_close_behind(HEAD + b"half"),
    "a half-close between chunks": faults.half_close_behind(CHUNKED + b"4\r\nhalf\r\n"),
    "silence between chunks": faults.silent_behind(CHUNKED + b"4\r\nhalf\r\n"),
    "silence in a body that ends with its connection": faults.silent_behind(UNTIL_CLOSE + b"half"),
    "more announced than sent, on a connection that stays": faults.silent_behind(HEAD + b"half"),
}


@pytest.mark.parametrize("name", CUTS)
def test_is_never_a_whole_answer(program, recorded, name):
    """A reset, or the second that reading may take, can be there before Portico has read the head: then it is an error's
    answer."""
    recorded.play(CUTS[name])
    try:
        answer = wire.get(program.http, HOST, method="POST", body=b"x")
    except wire.Cut as cut:
        assert b"half".startswith(cut.partial)
    else:
        assert answer.status in (502, 504)
    assert_well(program, recorded)


@pytest.mark.parametrize("name", CUTS)
def test_is_a_reset_of_its_stream_over_http2(program, recorded, name):
    recorded.play(CUTS[name])
    with h2_client.Client(program.http) as client:
        number = client.open(HOST, method="POST", end=False)
        client.send(number, b"x", end=True)
        answer = client.response(number)
        assert answer.status in (502, 504) or (answer.reset is not None and b"half".startswith(answer.body))
        recorded.play(OK)
        assert client.ask(HOST).status == 200


def test_silence_in_a_handshake_is_504(program, recorded):
    """The endpoint reads what comes for a request's head, which no ClientHello has."""
    assert wire.get(program.http, "encrypted.test").status == 504
    assert_well(program, recorded)


def test_an_http_1_0_client_sees_a_cut_as_a_reset(program, recorded):
    """It is told no length: an orderly end would look whole."""
    recorded.play(faults.reset_behind(CHUNKED + b"4\r\nhalf\r\n"))
    received = b""
    with wire.Client(program.http) as client:
        client.send(wire.request(HOST, method="POST", body=b"x", version="1.0"))
        try:
            while piece := client.socket.recv(1 << 16):
                received += piece
        except ConnectionError:
            return
    assert b" 502 " in received


def test_a_half_close_behind_a_whole_answer_harms_nothing(program, recorded):
    recorded.play(faults.half_close_behind(OK))
    with wire.Client(program.http) as client:
        assert client.ask(wire.request(HOST, method="POST", body=b"x")).body == b"ok"
    assert_well(program, recorded)


def test_an_answer_in_single_bytes_passes_byte_by_byte(plain, recorded):
    gate = threading.Semaphore(0)
    recorded.play(faults.in_pieces(HEAD + b"x" * 100, gate))
    with wire.Client(plain.http) as client:
        client.send(wire.request(HOST, method="POST", body=b"x"))
        gate.release(len(HEAD))
        assert client.final_head().status == 200
        for _ in range(100):
            gate.release()
            assert client.exactly(1) == b"x"


@pytest.fixture
def replica():
    with faults.Replica("a") as one:
        yield one


@pytest.fixture
def one(folder, replica):
    folder.write("site.yaml", *served("one", replica.port))
    annotations = {"proxy-body-size": "0", "proxy-send-timeout": "1"}
    folder.write("ingress.yaml", ingress("one", rule("one.test", path("/", "one")), annotations=annotations))
    with portico.Portico(folder) as started:
        yield started


def assert_gone_and_back(program, replica):
    assert wire.pod(program.http, "one.test") == 502
    replica.come_back()
    portico.eventually(lambda: wire.pod(program.http, "one.test") == "a", what="the endpoint's return")


def test_a_kill_in_a_download_is_a_cut(one, replica):
    with wire.Client(one.http, receive_buffer=4096) as client:
        client.send(wire.request("one.test", f"/?bytes={50 << 20}"))
        assert client.final_head().status == 200
        replica.kill()
        with pytest.raises(wire.Cut):
            client.exactly(50 << 20)
    assert_gone_and_back(one, replica)


def test_a_kill_in_an_upload_is_502(one, replica):
    with wire.Client(one.http) as client:
        client.send(wire.request("one.test", "/", "Content-Length: 1000000", method="POST") + b"x" * 1000)
        portico.eventually(lambda: one.metrics()['portico_upstream_connections{state="active"}'] == 1)
        replica.kill()
        assert client.final_head().status == 502
    assert_gone_and_back(one, replica)


def test_a_kill_under_a_tunnel_ends_it(one, replica):
    with wire.Client(one.http) as client:
        assert client.ask(wire.request("one.test", "/", "Connection: Upgrade", "Upgrade: raw")).status == 101
        replica.kill()
        client.rest()
    assert_gone_and_back(one, replica)


def test_a_frozen_process_answers_when_it_is_thawed(one, replica):
    with wire.Client(one.http) as client:
        assert client.ask(wire.request("one.test")).status == 200
        replica.freeze()
        client.send(wire.request("one.test"))
        portico.eventually(lambda: one.metrics()['portico_upstream_connections{state="active"}'] == 1)
        replica.thaw()
        assert client.response().json()["pod"] == "a"


def test_an_endpoint_that_takes_nothing_of_an_upload_is_504(one, replica):
    with wire.Client(one.http) as client:
        assert client.ask(wire.request("one.test")).status == 200
        replica.freeze()
        client.send(wire.request("one.test", method="POST", body=b"x" * (32 << 20)))
        assert client.final_head().status == 504
    replica.thaw()
    portico.eventually(lambda: wire.pod(one.http, "one.test") == "a", what="the endpoint's return")
