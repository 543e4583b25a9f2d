"""HTTP/1 between client, Portico and backend, where all of them behave."""

import wire

TWO = wire.request("echo.test", "/1") + wire.request("echo.test", "/2")


def test_a_connection_serves_many_requests(plain):
    with wire.Client(plain.http) as client:
        for number in range(20):
            assert client.ask(wire.request("echo.test", f"/{number}")).json()["path"] == f"/{number}"


def test_upstream_connections_are_kept(plain, recorded):
    with wire.Client(plain.http) as client:
        for _ in range(10):
            assert client.ask(wire.request("capture.test")).status == 200
    assert len(recorded.connections) == 1


def test_pipelined_requests_are_answered_in_order(plain):
    with wire.Client(plain.http) as client:
        client.send(TWO + wire.request("echo.test", "/3?delay_ms=20") + wire.request("echo.test", "/4"))
        assert [client.response().json()["path"].split("?")[0] for _ in range(4)] == ["/1", "/2", "/3", "/4"]


def test_pipelined_bodies_are_kept_apart(plain):
    bodies = [b"", b"one", b"x" * 100_000, b"GET /hidden HTTP/1.1\r\nHost: echo.test\r\n\r\n"]
    with wire.Client(plain.http) as client:
        client.send(b"".join(wire.request("echo.test", "/echo-body", method="POST", body=body) for body in bodies))
        assert [client.response().body for _ in bodies] == bodies


def test_connection_close_is_obeyed_and_told(plain):
    with wire.Client(plain.http) as client:
        answer = client.ask(wire.request("echo.test", "/", "Connection: close"))
        assert answer.status == 200 and answer.field("connection").lower() == "close"
        assert client.ended()


def test_an_http_1_0_client_is_closed_after_its_answer(plain):
    with wire.Client(plain.http) as client:
        assert client.ask(wire.request("echo.test", version="1.0")).status == 200
        assert client.ended()


def test_an_http_1_0_client_may_ask_to_be_kept(plain):
    with wire.Client(plain.http) as client:
        for _ in range(2):
            answer = client.ask(wire.request("echo.test", "/", "Connection: keep-alive", version="1.0"))
            assert answer.field("connection").lower() == "keep-alive" and answer.json()["pod"] == "a"


def test_an_http_1_0_client_of_a_chunked_backend_gets_plain_bytes_and_a_close(plain):
    with wire.Client(plain.http) as client:
        client.send(wire.request("echo.test", "/?chunked=1&bytes=150000", "Connection: keep-alive", version="1.0"))
        answer = client.response()
        assert answer.field("transfer-encoding") is None and len(answer.body) == 150_000
        assert client.ended()


def test_head_has_a_head_only(plain):
    with wire.Client(plain.http) as client:
        answer = client.ask(wire.request("echo.test", "/?bytes=1000", method="HEAD"), "HEAD")
        assert answer.status == 200 and answer.field("content-length") == "1000"
        assert client.ask(wire.request("echo.test", "/next")).json()["path"] == "/next"


def test_204_and_304_have_no_body(plain):
    with wire.Client(plain.http) as client:
        for status in (204, 304):
            assert client.ask(wire.request("echo.test", f"/?status={status}")).status == status
        assert client.ask(wire.request("echo.test", "/next")).json()["path"] == "/next"


def test_304_keeps_the_length_it_tells(plain, recorded):
    recorded.play(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\nETag: x\r\n\r\n")
    with wire.Client(plain.http) as client:
        for _ in range(2):
            answer = client.ask(wire.request("capture.test", "/", "If-None-Match: x"))
            assert answer.status == 304 and answer.field("etag") == "x"


def test_early_hints_pass(plain):
    answer = wire.get(plain.http, "echo.test", "/?hints=1")
    assert [(early.status, early.field("link")) for early in answer.early] == [(103, "</style.css>; rel=preload")]
    assert answer.status == 200


def test_early_hints_are_not_for_http_1_0(plain):
    with wire.Client(plain.http) as client:
        assert client.send(wire.request("echo.test", "/?hints=1", version="1.0")).head().status == 200


def test_expect_continue_is_answered_before_the_body(plain):
    with wire.Client(plain.http) as client:
        head = wire.request("echo.test", "/", "Expect: 100-continue", "Content-Length: 5", method="POST", body=None)
        assert client.send(head).head().status == 100
        answer = client.ask(b"hello")
        assert answer.status == 200 and answer.json()["body_bytes"] == 5


def test_a_final_answer_instead_of_continue_spares_the_body(plain, recorded):
    recorded.play(lambda connection: connection.send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"))
    head = wire.request("nobody.test", "/", "Expect: 100-continue", "Content-Length: 5", method="POST")
    with wire.Client(plain.http) as client:
        assert client.send(head).head().status == 404


def test_trailers_pass(plain):
    answer = wire.get(plain.http, "echo.test", "/?trailers=1", "TE: trailers")
    assert answer.trailers == [("X-Checksum", "1234")]


def test_request_trailers_pass(plain, recorded):
    body = b"3\r\nabc\r\n0\r\nX-Sum: 9\r\n\r\n"
    answer = wire.get(plain.http, "capture.test", "/", "Transfer-Encoding: chunked", "Trailer: X-Sum", method="POST", body=body)
    assert answer.status == 200
    assert recorded.received().lower().endswith(b"0\r\nx-sum: 9\r\n\r\n")


def test_an_until_close_body_reaches_an_http_1_1_client_whole(plain):
    with wire.Client(plain.http) as client:
        assert len(client.ask(wire.request("echo.test", "/?until_close=1&bytes=300000")).body) == 300_000
        assert client.ask(wire.request("echo.test", "/next")).json()["path"] == "/next"


def test_absolute_form_names_the_host(plain):
    with wire.Client(plain.http) as client:
        seen = client.ask("GET http://echo.test/x?y=1 HTTP/1.1\r\nHost: other.test\r\n\r\n").json()
        assert (seen["host"], seen["path"]) == ("echo.test", "/x?y=1")


def test_a_leading_empty_line_is_forgiven(plain):
    with wire.Client(plain.http) as client:
        assert client.ask(b"\r\n" + wire.request("echo.test")).status == 200


def test_a_head_may_come_byte_by_byte(plain):
    with wire.Client(plain.http) as client:
        for byte in wire.request("echo.test", "/slow"):
            client.send(bytes([byte]))
        assert client.response().json()["path"] == "/slow"


def test_the_client_may_finish_writing_before_its_answer_comes(plain):
    with wire.Client(plain.http) as client:
        client.send(wire.request("echo.test", "/?delay_ms=50"))
        client.finish_writing()
        assert client.response().status == 200


def test_options_star_is_answered(plain):
    with wire.Client(plain.http) as client:
        assert client.ask("OPTIONS * HTTP/1.1\r\nHost: echo.test\r\n\r\n").status in (200, 204, 400, 404)
