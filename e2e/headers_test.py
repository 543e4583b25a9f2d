"""What is added to, dropped from and kept in a request and its answer."""

import re

import pytest
import wire

# Set for every request, as ingress-nginx sets them; the order does not matter.
ADDED = {
    "X-Request-ID",
    "X-Real-IP",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Port",
    "X-Forwarded-Proto",
    "X-Forwarded-Scheme",
    "X-Scheme",
}


def sent_to_backend(program, recorded, *lines, path="/", host="capture.test", **more):
    """The fields of the one request that reached the backend, names in lower case."""
    assert wire.get(program.http, host, path, *lines, **more).status == 200
    (_, fields), = recorded.heads()
    names = [name.lower() for name, _ in fields]
    assert len(names) == len(set(names)), f"doubled: {fields}"
    return {name.lower(): value for name, value in fields}


def test_a_plain_request_gains_exactly_these_fields(plain, recorded):
    fields = sent_to_backend(plain, recorded, "User-Agent: tester", "Accept: */*")
    assert set(fields) == {name.lower() for name in ADDED} | {"host", "user-agent", "accept"}


def test_forwarded_fields_say_what_portico_saw(plain, recorded):
    fields = sent_to_backend(plain, recorded, host="capture.test:1234")
    assert fields["host"] == "capture.test:1234"
    assert fields["x-forwarded-host"] == "capture.test:1234"
    assert fields["x-forwarded-for"] == fields["x-real-ip"] == "127.0.0.1"
    assert fields["x-forwarded-proto"] == fields["x-forwarded-scheme"] == fields["x-scheme"] == "http"
    assert fields["x-forwarded-port"] == "80"
    assert re.fullmatch(r"[0-9a-f]{32}", fields["x-request-id"])


def test_what_a_client_forges_is_replaced(plain, recorded):
    forged = [
        "X-Forwarded-For: 1.2.3.4",
        "X-Forwarded-Host: evil.test",
        "X-Forwarded-Port: 1",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Scheme: https",
        "X-Scheme: https",
        "X-Real-IP: 1.2.3.4",
        "Forwarded: for=1.2.3.4",
    ]
    fields = sent_to_backend(plain, recorded, *forged)
    assert fields["x-forwarded-for"] == fields["x-real-ip"] == "127.0.0.1"
    assert fields["x-forwarded-host"] == "capture.test"
    assert fields["x-forwarded-proto"] == fields["x-forwarded-scheme"] == fields["x-scheme"] == "http"
    assert fields["x-forwarded-port"] == "80"
    assert fields["x-original-forwarded-for"] == "1.2.3.4"
    assert "forwarded" not in fields


def test_a_clients_request_id_is_kept(plain, recorded):
    assert sent_to_backend(plain, recorded, "X-Request-ID: abc-123")["x-request-id"] == "abc-123"


@pytest.mark.parametrize("forged", ["x" * 1000, 'a"b\\c', "a b", "<script>"])
def test_a_request_id_out_of_bounds_is_replaced(plain, recorded, forged):
    assert re.fullmatch(r"[0-9a-f]{32}", sent_to_backend(plain, recorded, f"X-Request-ID: {forged}")["x-request-id"])


def test_request_ids_differ(plain, recorded):
    for _ in range(10):
        wire.get(plain.http, "capture.test")
    ids = {value for _, fields in recorded.heads() for name, value in fields if name.lower() == "x-request-id"}
    assert len(ids) == 10


def test_hop_by_hop_fields_end_here(plain, recorded):
    lines = [
        "Connection: keep-alive, X-Private",
        "X-Private: 1",
        "Keep-Alive: timeout=5",
        "Proxy: http://evil.test",
        "Proxy-Connection: keep-alive",
        "Proxy-Authorization: Basic x",
        "TE: gzip",
        "X-Public: 1",
    ]
    fields = sent_to_backend(plain, recorded, *lines)
    dropped = {"x-private", "keep-alive", "proxy", "proxy-connection", "te"}
    assert not dropped & set(fields) and fields["x-public"] == "1"
    assert "x-private" not in fields.get("connection", "").lower()


@pytest.mark.parametrize(
    "name", ["Host", "Content-Length", "Authorization", "X-Forwarded-For", "X-Forwarded-Proto", "Cookie", "X-Real-IP"]
)
def test_connection_can_not_drop_what_others_rest_on(plain, recorded, name):
    lines = [f"Connection: close, {name}", "Authorization: Basic x", "Cookie: a=b"]
    fields = sent_to_backend(plain, recorded, *lines, method="POST", body=b"hello")
    assert name.lower() in fields and fields["content-length"] == "5"


def test_hop_by_hop_fields_of_an_answer_end_here(plain, recorded):
    recorded.play(
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive, X-Private\r\nKeep-Alive: timeout=5\r\n"
        b"X-Private: 1\r\nProxy-Authenticate: Basic\r\nX-Public: 1\r\n\r\nok"
    )
    answer = wire.get(plain.http, "capture.test")
    assert answer.field("x-public") == "1"
    assert answer.field("x-private") is None and answer.field("keep-alive") is None


def test_repeated_fields_keep_their_order(plain, recorded):
    recorded.play(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nSet-Cookie: a=1\r\nX-Between: 1\r\nSet-Cookie: b=2\r\n\r\n")
    assert wire.get(plain.http, "capture.test").all("set-cookie") == ["a=1", "b=2"]


def test_a_backends_own_date_is_kept(plain, recorded):
    recorded.play(b"HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 0\r\n\r\n")
    assert wire.get(plain.http, "capture.test").all("date") == ["Thu, 01 Jan 1970 00:00:00 GMT"]


@pytest.mark.parametrize(
    "accept,content_type",
    {
        "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8": "text/html",
        "application/json": "application/json",
        "application/json, text/plain, */*": "application/json",
        "*/*": "text/html",
    }.items(),
)
def test_error_pages_come_in_the_form_that_is_accepted(plain, accept, content_type):
    answer = wire.get(plain.http, "nobody.test", "/", f"Accept: {accept}")
    assert answer.status == 404 and answer.field("content-type").startswith(content_type)
    assert int(answer.field("content-length")) == len(answer.body) > 0
    if content_type == "application/json":
        assert answer.json()


def test_an_error_page_never_repeats_what_the_client_sent(plain):
    answer = wire.get(plain.http, "nobody.test", "/<script>", "Accept: text/html")
    assert b"<script>" not in answer.body
