"""HTTP/2 to clients: how it is agreed on, what a connection may ask for, that one stream does not hold up another, and drain."""

import json
import signal
import ssl
import zlib

import backends
import certificates
import h2_client
import portico
import pytest
import wire
from manifests import ingress, path, rule, served, tls_secret

MIB = 1 << 20


@pytest.fixture(scope="module")
def pairs():
    return {name: certificates.self_signed(f"{name}.test") for name in ("one", "two")}


@pytest.fixture(scope="module")
def program(module_folder, tmp_path_factory, echo, pairs):
    module_folder.write("echo.yaml", *served("echo", echo.port))
    module_folder.write("secrets.yaml", *(tls_secret(name, pair) for name, pair in pairs.items()))
    everywhere = path("/", "echo")
    annotations = {"ssl-redirect": "false"}
    rules = {name: rule(f"{name}.test", everywhere) for name in pairs}
    secured = [ingress(name, rules[name], tls={name: [f"{name}.test"]}, annotations=annotations) for name in pairs]
    module_folder.write("ingress.yaml", *secured, ingress("plain", rule("plain.test", everywhere)))
    log = tmp_path_factory.mktemp("log") / "access.log"
    with portico.Portico(module_folder, "--access-log", "json", "--access-log-path", log) as running:
        running.access_log = log
        yield running


@pytest.fixture
def client(program):
    with h2_client.Client(program.http) as connected:
        yield connected


def secure(program, pairs, name="one"):
    return h2_client.Client(program.https, pairs[name].context(), f"{name}.test")


OFFERS = [(["h2", "http/1.1"], "h2"), (["http/1.1", "h2"], "h2"), (["http/1.1"], "http/1.1"), ([], None)]


@pytest.mark.parametrize("offered,chosen", OFFERS)
def test_alpn_prefers_http2(program, pairs, offered, chosen):
    context = pairs["one"].context()
    if offered:
        context.set_alpn_protocols(offered)
    with wire.Client(program.https, tls_context=context, tls_name="one.test") as client:
        assert client.socket.selected_alpn_protocol() == chosen


def test_a_request_over_tls(program, pairs):
    with secure(program, pairs) as client:
        answer = client.ask("one.test", "/words?x=1", ("x-a", "b"))
        seen = json.loads(answer.body)
        assert answer.status == 200 and (seen["path"], seen["host"], seen["method"]) == ("/words?x=1", "one.test", "GET")
        assert seen["headers"]["X-A"] == ["b"] and seen["headers"]["X-Forwarded-Proto"] == ["https"]


def test_prior_knowledge_and_http1_share_the_plaintext_port(program, client):
    assert client.ask("plain.test").status == 200
    assert wire.get(program.http, "plain.test").status == 200


@pytest.mark.parametrize("size", [0, 1, 16384, 5 * MIB])
def test_bodies_come_back_whole(client, size):
    body = bytes(i % 251 for i in range(251)) * (size // 251 + 1)
    number = client.open("plain.test", "/echo-body", method="POST", end=False)
    half = size // 2 if size <= MIB else 500_000  # an upload has a limit, a download none
    client.send(number, body[:half], end=True)
    assert client.response(number).body == body[:half]
    answer = client.ask("plain.test", f"/?bytes={size}")
    assert len(answer.body) == size and zlib.crc32(answer.body) == backends.pattern_crc32(size)


def test_a_body_that_is_too_large_is_413_and_the_connection_stays(client):
    number = client.open("plain.test", "/echo-body", ("content-length", str(5 * MIB)), method="POST", end=False)
    assert client.response(number).status == 413
    assert client.ask("plain.test").status == 200


def test_many_streams_share_a_connection(client):
    numbers = [client.open("plain.test", f"/?bytes={1000 * i}") for i in range(1, 51)]
    for i, number in enumerate(numbers, 1):
        assert len(client.response(number).body) == 1000 * i


def test_a_stream_that_is_not_read_holds_up_no_other(program):
    with h2_client.Client(program.http) as client:
        client.hold_window = True
        stalled = client.open("plain.test", "/?bytes=1000000")
        client.until(lambda: len(client.streams[stalled].body) >= 65535)
        client.h2.increment_flow_control_window(1 << 20)  # of the connection: the stream's own stays shut
        client.flush()
        assert client.ask("plain.test", "/?bytes=1000").status == 200
        assert len(client.streams[stalled].body) == 65535


def test_trailers_reach_the_client(client):
    answer = client.ask("plain.test", "/?trailers=1")
    assert answer.status == 200 and [name for name, _ in answer.trailers] == ["x-checksum"]


def test_an_answer_that_is_cut_resets_its_stream_only(client):
    number = client.open("plain.test", "/?cut=1&bytes=100000")
    assert client.response(number).reset is not None
    assert client.ask("plain.test").status == 200


def test_an_early_hint_is_followed_by_the_answer(client):
    assert client.ask("plain.test", "/?hints=1").status == 200


def test_head_and_204_have_no_body(client):
    assert client.ask("plain.test", "/?bytes=10", method="HEAD").body == b""
    assert client.ask("plain.test", "/?status=204").status == 204


def test_no_route_is_404(client):
    assert client.ask("nobody.test").status == 404


def test_another_hosts_connection_is_misdirected(program, pairs):
    with secure(program, pairs) as client:
        assert client.ask("two.test").status == 421
        assert client.ask("nobody.test").status == 404
        assert client.ask("one.test").status == 200


def test_the_log_says_what_a_misdirected_request_asked_for(program, pairs):
    with secure(program, pairs) as client:
        assert client.ask("two.test", "/misdirected").status == 421

    def logged():
        whole = [line for line in program.access_log.read_text().splitlines(keepends=True) if line.endswith("\n")]
        return next((line for line in map(json.loads, whole) if line["status"] == 421 and line["target"] == "/misdirected"), None)

    line = portico.eventually(logged, what="the line")
    assert (line["method"], line["host"]) == ("GET", "two.test")


@pytest.mark.parametrize("name", [None, "nobody.test"])
def test_the_default_certificate_and_no_name_are_for_all(program, name):
    with h2_client.Client(program.https, certificates.anything(), name) as client:
        assert client.ask("one.test").status == 200
        assert client.ask("two.test").status == 200


def test_connect_is_refused_and_the_connection_closed(program):
    with h2_client.Client(program.http) as client:
        number = client.h2.get_next_available_stream_id()
        client.streams[number] = h2_client.Stream()
        client.h2.send_headers(number, [(":method", "CONNECT"), (":authority", "plain.test:80")])
        client.flush()
        answer = client.response(number)
        assert answer.reset is not None or 400 <= answer.status <= 501
        assert client.ended()


def test_a_reset_by_the_client_reaches_no_other_stream(client):
    slow = client.open("plain.test", "/?delay_ms=2000")
    client.h2.reset_stream(slow, 8)
    client.flush()
    assert client.ask("plain.test").status == 200


def test_drain_finishes_what_is_open_and_loses_nothing(folder, echo):
    rules = rule("plain.test", path("/", "echo"))
    folder.write("echo.yaml", *served("echo", echo.port)).write("ingress.yaml", ingress("plain", rules))
    with portico.Portico(folder, "--worker-shutdown-timeout", "30") as program, h2_client.Client(program.http) as client:
        assert client.ask("plain.test").status == 200
        numbers = [client.open("plain.test", "/?delay_ms=700") for _ in range(20)]
        client.until(lambda: client.settings)
        program.signal(signal.SIGTERM)
        client.until(lambda: client.goaway)
        assert client.goaway[0] == 0
        for number in numbers:
            assert client.response(number).status == 200
        assert client.ended()
        assert program.wait() == 0


def test_a_connection_outlives_changes(program, client, module_folder, echo):
    for turn in range(3):
        module_folder.write("more.yaml", *served("more", echo.port), ingress("more", rule(f"new{turn}.test", path("/", "more"))))
        program.in_effect(lambda turn=turn: wire.get(program.http, f"new{turn}.test").status == 200)
        assert client.ask(f"new{turn}.test").status == 200
    assert client.goaway is None


def test_tls_1_2_has_the_ciphers_that_http2_allows(program, pairs):
    """RFC 9113 9.2.2: with HTTP/2 only ciphers of the kind that TLS 1.3 has."""
    context = pairs["one"].context(maximum_version=ssl.TLSVersion.TLSv1_2)
    with h2_client.Client(program.https, context, "one.test") as client:
        assert client.socket.cipher()[0].startswith("ECDHE-") and "GCM" in client.socket.cipher()[0]
        assert client.ask("one.test").status == 200
