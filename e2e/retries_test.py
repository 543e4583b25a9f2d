"""Requests that are tried at another endpoint: proxy-next-upstream, its tries and its timeout, and the retry budget."""

import contextlib

import portico
import pytest
import wire
from backends import OK, Capture, closing
from faults import answer, hang
from manifests import Folder, config_map, ingress, ingress_class, path, rule, served
from upstream_servers import H2Backend

BAD = answer(502, b"not from here")
LATER = answer(503, b"later")
# Of a backend, so that each is the first to be asked, whatever worker takes the connection.
ROUNDS = 6

POLICIES = {
    "plain": {},
    "statuses": {"proxy-next-upstream": "error timeout http_502 http_503"},
    "off": {"proxy-next-upstream": "off"},
    "two": {"proxy-next-upstream": "http_503", "proxy-next-upstream-tries": "2"},
    "all": {"proxy-next-upstream": "http_503", "proxy-next-upstream-tries": "0"},
    "any": {"proxy-next-upstream": "error timeout http_502 non_idempotent"},
    "slow": {"proxy-read-timeout": "1"},
    "late": {"proxy-read-timeout": "2", "proxy-next-upstream-timeout": "1"},
}
# Who fails is asked again and again here.
ALWAYS = {"outlier-ejection": "off"}


@pytest.fixture(scope="module")
def replicas():
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(Capture()) for _ in range(3)]


@pytest.fixture(scope="module")
def program(module_folder, replicas, refused_port):
    """A host for each policy, with a Service of its own in front of the same replicas: budgets are the Services'."""
    for name, annotations in POLICIES.items():
        ports = [replica.port for replica in replicas]
        host = rule(f"{name}.test", path("/", name))
        module_folder.write(f"{name}.yaml", *served(name, *ports), ingress(name, host, annotations=annotations | ALWAYS))
    for name, annotations in (("half", {}), ("half-off", POLICIES["off"])):
        host = rule(f"{name}.test", path("/", name))
        ports = (refused_port, replicas[0].port)
        module_folder.write(f"{name}.yaml", *served(name, *ports), ingress(name, host, annotations=annotations | ALWAYS))
    with portico.Portico(module_folder) as started:
        yield started


def play(replicas, *answers):
    """The answers of the first, the second and the third; the last of them is that of those that are left."""
    for number, replica in enumerate(replicas):
        replica.play(answers[min(number, len(answers) - 1)])


def asked(replicas):
    """How many requests each was sent whole."""
    return [sum(connection.answers for connection in replica.connections) for replica in replicas]


def get(program, name, **request):
    return wire.get(program.http, f"{name}.test", **request)


def test_a_status_that_is_named_is_turned_good_by_another_endpoint(program, replicas):
    play(replicas, BAD, OK)
    for _ in range(ROUNDS):
        response = get(program, "statuses")
        assert (response.status, response.body) == (200, b"ok")
    bad, *good = asked(replicas)
    assert bad > 0 and sum(good) == ROUNDS
    assert program.metrics()['portico_upstream_retries_total{namespace="default",service="statuses",port="80"}'] == bad


def test_an_endpoint_keeps_its_connection_when_its_answer_is_dropped(program, replicas):
    play(replicas, LATER, OK)
    with wire.Client(program.http) as client:
        assert [client.ask(wire.request("statuses.test")).status for _ in range(4 * ROUNDS)] == [200] * 4 * ROUNDS
    assert asked(replicas)[0] > 1
    assert len(replicas[0].connections) == 1


def test_a_status_that_is_not_named_goes_to_the_client(program, replicas):
    play(replicas, BAD, OK)
    assert {get(program, "plain").status for _ in range(ROUNDS)} == {200, 502}
    assert sum(asked(replicas)) == ROUNDS


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "DELETE"])
def test_requests_that_may_be_repeated_are(program, replicas, method):
    play(replicas, BAD if method != "HEAD" else b"HTTP/1.1 502 Bad\r\nContent-Length: 2\r\n\r\n", answer(204, b""))
    for _ in range(ROUNDS):
        assert get(program, "statuses", method=method).status == 204
    assert asked(replicas)[0] > 0


def test_a_small_body_is_sent_again(program, replicas):
    play(replicas, BAD, OK)
    body = b"every byte of it"
    for _ in range(ROUNDS):
        assert get(program, "statuses", method="PUT", body=body).status == 200
    assert asked(replicas)[0] > 0
    assert sum(replica.received().count(body) for replica in replicas[1:]) == ROUNDS


def test_a_long_body_is_sent_once(program, replicas):
    play(replicas, BAD, OK)
    answers = [get(program, "statuses", method="PUT", body=bytes(100_000)).status for _ in range(ROUNDS)]
    assert set(answers) == {200, 502}
    assert sum(asked(replicas)) == ROUNDS


def test_a_post_is_not_repeated(program, replicas):
    play(replicas, BAD, OK)
    assert {get(program, "statuses", method="POST", body=b"x").status for _ in range(ROUNDS)} == {200, 502}
    assert sum(asked(replicas)) == ROUNDS


def test_a_post_is_repeated_where_non_idempotent_is_named(program, replicas):
    play(replicas, BAD, OK)
    assert {get(program, "any", method="POST", body=b"x").status for _ in range(ROUNDS)} == {200}
    assert asked(replicas)[0] > 0


def test_an_endpoint_that_closes_its_connections_is_passed_over(program, replicas):
    play(replicas, closing(b""), OK)
    assert [get(program, "plain").status for _ in range(ROUNDS)] == [200] * ROUNDS


def test_an_endpoint_that_hangs_is_passed_over_after_the_timeout(program, replicas):
    play(replicas, hang, OK)
    assert [get(program, "slow").status for _ in range(3)] == [200] * 3


def test_no_try_begins_once_their_time_is_over(program, replicas):
    play(replicas, hang)
    assert get(program, "late").status == 504
    assert sum(asked(replicas)) == 1


def test_the_last_answer_goes_to_the_client_as_it_is(program, replicas):
    play(replicas, LATER)
    response = get(program, "all")
    assert (response.status, response.body) == (503, b"later")
    assert asked(replicas) == [1, 1, 1]


def test_tries_are_bound(program, replicas):
    play(replicas, LATER)
    assert get(program, "two").body == b"later"
    assert sorted(asked(replicas)) == [0, 1, 1]


def test_nothing_is_tried_again_where_it_is_off(program, replicas):
    play(replicas, OK)
    assert {get(program, "half").status for _ in range(ROUNDS)} == {200}
    assert 502 in {get(program, "half-off").status for _ in range(ROUNDS)}
    play(replicas, BAD, OK)
    assert 502 in {get(program, "off").status for _ in range(ROUNDS)}
    assert sum(asked(replicas)) == ROUNDS


def test_nothing_is_tried_again_once_the_client_was_told_anything(program, replicas):
    hint = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    play(replicas, hint + LATER, OK)
    answers = [get(program, "statuses") for _ in range(ROUNDS)]
    assert {(one.status, len(one.early)) for one in answers} == {(503, 1), (200, 0)}


def test_retries_never_multiply_an_outage(program, replicas, tmp_path):
    """Three endpoints that fail, a reserve of 50 tries, and then none."""
    requests = 300
    folder = Folder(tmp_path / "manifests").write("class.yaml", *class_and(replicas))
    with portico.Portico(folder) as fresh, wire.Client(fresh.http) as client:
        play(replicas, LATER)
        for _ in range(requests):
            assert client.ask(wire.request("web.test")).status == 503
        assert requests < sum(asked(replicas)) <= requests + 50 <= 1.2 * requests
        assert fresh.metric("portico_retry_budget_exhausted_total") >= requests - 50
        # Five successes earn a try.
        play(replicas, OK)
        assert [client.ask(wire.request("web.test")).status for _ in range(25)] == [200] * 25
        before = fresh.metric("portico_upstream_retries_total")
        play(replicas, LATER)
        for _ in range(10):
            client.ask(wire.request("web.test"))
        assert 0 < fresh.metric("portico_upstream_retries_total") - before <= 5


def class_and(replicas):
    host = rule("web.test", path("/", "web"))
    ports = [replica.port for replica in replicas]
    return [ingress_class(), *served("web", *ports), ingress("web", host, annotations={"proxy-next-upstream": "http_503"} | ALWAYS)]


def test_the_config_map_says_it_for_all(folder, replicas):
    folder.write("site.yaml", *served("web", *(replica.port for replica in replicas)))
    folder.write("ingress.yaml", ingress("web", rule("web.test", path("/", "web")), annotations=ALWAYS))
    data = {"proxy_next_upstream": "http_502", "retry_non_idempotent": "true"}
    folder.write("config.yaml", config_map("portico", **data))
    play(replicas, BAD, OK)
    with portico.Portico(folder, "--configmap", "default/portico") as started:
        answers = [wire.get(started.http, "web.test", method="POST", body=b"x").status for _ in range(ROUNDS)]
        assert answers == [200] * ROUNDS


def test_http2_to_backends_obeys_the_same(folder):
    def bad(_request):
        return 503, [], b"later", None

    def good(_request):
        return 200, [], b"ok", None

    with H2Backend(bad) as first, H2Backend(good) as second:
        folder.write("web.yaml", *served("web", first.port, second.port))
        annotations = {"backend-protocol": "GRPC", "proxy-next-upstream": "http_503"} | ALWAYS
        folder.write("ingress.yaml", ingress("web", rule("web.test", path("/", "web")), annotations=annotations))
        with portico.Portico(folder) as started:
            for _ in range(ROUNDS):
                assert wire.get(started.http, "web.test", method="PUT", body=b"x").status == 200
        assert first.requests and second.requests[0].body == b"x"
