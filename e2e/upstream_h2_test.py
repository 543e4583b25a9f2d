"""HTTP/2 to backends, over plaintext and TLS, by clients of HTTP/1.1."""

import h2.errors

import certificates
import portico
import pytest
import wire
from manifests import ingress, path, rule, served
from upstream_servers import H2Backend, server_context


def echoed(request):
    return 200, [("x-path", request.field(":path")), ("x-te", request.field("te") or "")], request.body or b"hello", None


@pytest.fixture(params=["GRPC", "GRPCS"])
def protocol(request):
    return request.param


def context_of(protocol):
    return server_context(certificates.self_signed("any.test")) if protocol == "GRPCS" else None


def put(folder, port, protocol="GRPC", **more):
    folder.write("web.yaml", *served("web", port))
    annotations = {"backend-protocol": protocol} | more
    folder.write("ingress.yaml", ingress("web", rule("web.test", path("/", "web")), annotations=annotations))
    return folder


def test_carries_requests_and_bodies(folder, protocol):
    body = bytes(range(256)) * 4000
    with H2Backend(echoed, context_of(protocol)) as backend:
        put(folder, backend.port, protocol)
        with portico.Portico(folder) as program, wire.Client(program.http) as client:
            answer = client.ask(wire.request("web.test", "/a?b=c"))
            assert (answer.status, answer.body, answer.field("x-path")) == (200, b"hello", "/a?b=c")
            answer = client.ask(wire.request("web.test", method="POST", body=body))
            assert answer.body == body
            first = backend.requests[0]
            assert first.field(":authority") == "web.test"
            assert first.field(":scheme") == ("https" if protocol == "GRPCS" else "http")
            assert first.field("x-forwarded-proto") == "http"
            assert first.field("host") is None and first.field("te") is None
        assert backend.connections <= 2, "a connection a worker at most"


def test_trailers_reach_the_client(folder):
    answer = (200, [("content-type", "application/grpc")], b"message", [("grpc-status", "5"), ("grpc-message", "gone")])
    with H2Backend(lambda _request: answer) as backend:
        put(folder, backend.port)
        with portico.Portico(folder) as program, wire.Client(program.http) as client:
            client.send(wire.request("web.test", "/", "TE: trailers", "Connection: TE"))
            received = b""
            while b"grpc-message: gone\r\n\r\n" not in received:
                assert client.fill()
                received, client.buffer = received + client.buffer, b""
            assert b"grpc-status: 5\r\n" in received
            assert backend.requests[0].field("te") == "trailers"


def test_a_refused_stream_is_tried_again(folder):
    refused = []

    def answer(request):
        if not refused:
            refused.append(request)
            request.served.h2.reset_stream(request.stream, h2.errors.ErrorCodes.REFUSED_STREAM)
            return None
        return echoed(request)

    with H2Backend(answer) as backend:
        put(folder, backend.port)
        with portico.Portico(folder) as program:
            assert wire.get(program.http, "web.test").status == 200
            assert len(backend.requests) == 2


def test_goaway_costs_no_request(folder):
    def answer(request):
        if len(request.served.requests) % 5 == 0:
            request.served.h2.close_connection(last_stream_id=request.stream)
        return echoed(request)

    with H2Backend(answer) as backend:
        put(folder, backend.port)
        with portico.Portico(folder) as program, wire.Client(program.http) as client:
            for _ in range(20):
                request = wire.request("web.test")
                assert client.ask(request).status == 200


def test_a_reset_before_the_answer_is_502(folder):
    def answer(request):
        request.served.h2.reset_stream(request.stream, h2.errors.ErrorCodes.INTERNAL_ERROR)

    with H2Backend(answer) as backend:
        put(folder, backend.port)
        with portico.Portico(folder) as program:
            assert wire.get(program.http, "web.test").status == 502


def test_a_cut_answer_is_seen_as_cut(folder):
    def answer(request):
        request.served.h2.send_headers(request.stream, [(":status", "200"), ("content-length", "100")])
        request.served.h2.send_data(request.stream, b"half")
        request.served.h2.reset_stream(request.stream, h2.errors.ErrorCodes.INTERNAL_ERROR)

    with H2Backend(answer) as backend:
        put(folder, backend.port)
        with portico.Portico(folder) as program, pytest.raises(wire.Cut):
            wire.get(program.http, "web.test")


def test_a_backend_of_http_1_is_502(folder, echo):
    put(folder, echo.port)
    with portico.Portico(folder) as program:
        assert wire.get(program.http, "web.test").status == 502


def test_a_client_that_does_not_read_stops_nobody_else(folder):
    big = b"x" * (32 << 20)

    def answer(request):
        return 200, [], big if request.field(":path") == "/big" else b"small", None

    with H2Backend(answer) as backend:
        put(folder, backend.port)
        with portico.Portico(folder, "--workers", "1") as program, wire.Client(program.http, receive_buffer=4096) as slow:
            slow.send(wire.request("web.test", "/big"))
            portico.eventually(lambda: backend.requests, what="the big request")
            for _ in range(20):
                assert wire.get(program.http, "web.test").body == b"small"
            assert backend.connections == 1
            assert program.resident_bytes() < 200 << 20


def test_errors_are_told_to_grpc_clients_in_their_way(folder, refused_port):
    put(folder, refused_port)
    with portico.Portico(folder) as program:
        lines = ["Content-Type: application/grpc+proto", "TE: trailers"]
        answer = wire.get(program.http, "web.test", "/pkg.Service/Method", *lines, method="POST", body=b"")
        assert (answer.status, answer.field("grpc-status"), answer.body) == (200, "14", b"")
        answer = wire.get(program.http, "nobody.test", "/pkg.Service/Method", *lines, method="POST", body=b"")
        assert (answer.status, answer.field("grpc-status")) == (200, "12")
        counted = {key.split('class="')[1][:3]: n for key, n in program.metrics().items() if "requests_total{" in key}
        assert counted == {"5xx": 1, "4xx": 1}, "who watches the metrics sees errors"
