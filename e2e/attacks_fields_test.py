"""Fields that end here, fields that are forged, Expect: see attack.py for the oracle."""

import re

import pytest
import wire
from attack import HOST, MARKER, arrived, assert_one_request, assert_refused, get, post

KEPT = ["Authorization: Basic x", "Cookie: a=b", "X-Api-Key: k"]


@pytest.mark.parametrize(
    "name",
    [
        "Host",
        "Content-Length",
        "Content-Type",
        "Authorization",
        "Cookie",
        "X-Forwarded-For",
        "X-Forwarded-Proto",
        "X-Forwarded-Host",
        "X-Real-IP",
        "X-Request-ID",
        "Sec-WebSocket-Key",
        "x-FORWARDED-for",
    ],
)
def test_connection_never_drops_what_others_rest_on(plain, recorded, name):
    raw = post(f"Connection: {name}", *KEPT, "Content-Type: text/plain", "Sec-WebSocket-Key: k", "Content-Length: 5", body="hello")
    request, _ = assert_one_request(plain, recorded, raw)
    assert request.body == b"hello" and len(request.all(name)) == 1


ENDS_HERE = {
    "what Connection names": ["Connection: X-Private, keep-alive", "X-Private: 1"],
    "what a second Connection names": ["Connection: keep-alive", "Connection: X-Private", "X-Private: 1"],
    "Keep-Alive": ["Keep-Alive: timeout=5"],
    "Proxy": ["Proxy: http://evil.test"],
    "Proxy-Connection": ["Proxy-Connection: keep-alive"],
    "Proxy-Authorization": ["Proxy-Authorization: Basic x"],
    "TE beyond trailers": ["TE: gzip, trailers"],
    "TE": ["TE: trailers", "Connection: TE"],
    "Trailer": ["Trailer: X-Sum"],
    "Upgrade to h2c": ["Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"],
    "Upgrade to h2c that Connection does not name": ["Upgrade: h2c"],
    "Upgrade to h2c among others": ["Upgrade: websocket, h2c", "Connection: Upgrade"],
    "HTTP2-Settings alone": ["HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"],
}


@pytest.mark.parametrize("name", ENDS_HERE)
def test_ends_at_this_hop(plain, recorded, name):
    request, _ = assert_one_request(plain, recorded, get(*ENDS_HERE[name], "X-Public: 1"))
    assert request.field("x-public") == b"1" and request.field("x-private") is None
    for line in (b"h2c", b"X-Private", b"gzip"):
        assert line not in b"".join(value for _, value in request.fields)


MALFORMED_CONNECTION = ["Connection: a b", "Connection: close; x", 'Connection: "close"', "Connection: \xe4", "Connection: close/1"]


@pytest.mark.parametrize("line", MALFORMED_CONNECTION)
def test_a_connection_that_is_no_list_of_tokens_is_refused(plain, recorded, line):
    assert_refused(plain, recorded, get(line))
    assert recorded.received() == b""


FORGED = {
    "X-Forwarded-For": "1.2.3.4",
    "X-Forwarded-Host": "evil.test",
    "X-Forwarded-Port": "1",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Scheme": "https",
    "X-Forwarded-Server": "evil.test",
    "X-Forwarded-Prefix": "/evil",
    "X-Forwarded-Anything": "evil",
    "X-Original-URL": "/evil",
    "X-Original-URI": "/evil",
    "X-Original-Forwarded-For": "evil",
    "X-Rewrite-URL": "/evil",
    "X-Real-IP": "1.2.3.4",
    "X-Scheme": "https",
    "Forwarded": "for=1.2.3.4;proto=https",
    "ssl-client-verify": "SUCCESS",
    "ssl-client-subject-dn": "CN=evil",
    "ssl-client-cert": "evil",
    "SSL-Client-Issuer-DN": "CN=evil",
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_fact_never_arrives_under_its_name(plain, recorded, name):
    request, _ = assert_one_request(plain, recorded, get(f"{name}: {FORGED[name]}"))
    assert FORGED[name].encode() not in request.all(name)


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_fact_told_twice_never_arrives_either(plain, recorded, name):
    request, _ = assert_one_request(plain, recorded, get(f"{name}: 9.9.9.9", f"{name.upper()}: {FORGED[name]}"))
    assert FORGED[name].encode() not in b"".join(request.all(name))
    assert len(request.all(name)) <= 1


@pytest.mark.parametrize("value", ["x" * 129, "x" * 5000, 'a"b', "a b", "a\tb", "<script>", "a;b", "\xe4", "${jndi:ldap}", ""])
def test_a_request_id_out_of_bounds_is_replaced(plain, recorded, value):
    request, _ = assert_one_request(plain, recorded, get(f"X-Request-ID: {value}"))
    assert re.fullmatch(rb"[0-9a-f]{32}", request.field("x-request-id"))


# ---- Expect

UNKNOWN_EXPECTATIONS = ["miracles", "100-continue, miracles", "200-ok", "100-continue=1", '"100-continue"', "100-continue;q=1"]


@pytest.mark.parametrize("value", UNKNOWN_EXPECTATIONS)
def test_an_unknown_expectation_is_417(plain, recorded, value):
    assert_refused(plain, recorded, post(f"Expect: {value}", "Content-Length: 5", body="hello"), statuses=[417])
    assert recorded.received() == b""


def test_a_body_sent_without_waiting_to_be_told_is_one_request(plain, recorded):
    request, outcome = assert_one_request(plain, recorded, post("Expect: 100-Continue", "Content-Length: 5", body="hello"))
    assert request.body == b"hello" and request.field("expect") is None
    assert all(early.status == 100 for early in outcome.answer.early)


def test_a_body_that_was_not_waited_for_is_no_request(plain, recorded):
    """The answer comes without a 100; what the client then sends of its body must not be read as a request."""
    hidden = f"GET /hidden HTTP/1.1\r\nHost: {HOST}\r\n\r\n"
    raw = post("Expect: 100-continue", f"Content-Length: {len(hidden)}").replace(HOST, "nobody.test")
    with wire.Client(plain.http) as client:
        answer = client.send(raw).response()
        assert answer.status == 404
        client.send(hidden).send(MARKER).rest()
    assert not any(request.target == b"/hidden" for request in arrived(recorded))


def test_an_expectation_without_a_body_is_one_request(plain, recorded):
    request, _ = assert_one_request(plain, recorded, get("Expect: 100-continue"))
    assert request.field("expect") is None
