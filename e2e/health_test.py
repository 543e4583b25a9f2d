"""Endpoints that fail are left alone by every worker, tried again one request at a time, and are back once they answer."""

import contextlib
import time

import backends
import faults
import manifests
import portico
import pytest
import wire
from manifests import ingress, path, rule, served

HOST = "site.test"
FAILURES = 5  # in a row eject; 2 where nothing listens
UNREACHABLE = 2


@pytest.fixture
def endpoints():
    """Three that answer who they are, by a script that a test may change."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(backends.Capture(faults.named(name))) for name in "abc"]


@pytest.fixture
def replicas():
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(faults.Replica(name)) for name in "abc"]


@contextlib.contextmanager
def serving(folder, ports, **annotations):
    """`annotations`: dashes for underscores."""
    written = {key.replace("_", "-"): value for key, value in annotations.items()}
    folder.write("site.yaml", *served("site", *ports), ingress("site", rule(HOST, path("/", "site")), annotations=written))
    with portico.Portico(folder) as program:
        yield program


def ask(program, **request):
    """On a connection of its own, so that any worker may get it."""
    return wire.get(program.http, HOST, **request)


def statuses(program, count, **request):
    return [ask(program, **request).status for _ in range(count)]


def requests_of(endpoint):
    return sum(connection.answers for connection in endpoint.connections)


def port_of(endpoint):
    return f"127.0.0.1:{endpoint.port}"


def most(failures, begun):
    """What a failing endpoint gets at most since `begun`: those that eject it, and one each time that an ejection ends."""
    return failures + time.monotonic() - begun + 1


def test_an_endpoint_that_resets_is_left_alone_and_is_back_when_it_answers(folder, endpoints):
    *_, sick = endpoints
    with serving(folder, [endpoint.port for endpoint in endpoints]) as program:
        sick.play(faults.reset_behind(b""))
        begun = time.monotonic()
        assert statuses(program, 90) == [200] * 90
        assert FAILURES <= requests_of(sick) <= most(FAILURES, begun)
        program.wait_for_log(f"info endpoint {port_of(sick)} of default/site:80 fails, and is ejected")
        assert program.metric("portico_endpoint_ejections_total") >= 1
        assert program.metric("portico_endpoints_ejected") == 1
        told = program.admin(f"/explain?url=http://{HOST}/")[1]
        assert f"ejected      {port_of(sick)}: they fail" in told

        sick.play(faults.named("c"))
        portico.eventually(lambda: ask(program).status == 200 and requests_of(sick) > 0, what="the end of its ejection")
        program.wait_for_log(f"info endpoint {port_of(sick)} of default/site:80 is back")
        assert program.metric("portico_endpoints_ejected") == 0
        before = requests_of(sick)
        assert statuses(program, 30) == [200] * 30
        assert requests_of(sick) - before >= 8  # two workers, each in turns


def test_one_that_refuses_is_left_alone_after_two_tries(folder, replicas):
    sick = replicas[1]
    with serving(folder, [replica.port for replica in replicas]) as program:
        sick.kill()
        begun = time.monotonic()
        assert statuses(program, 90, method="POST", body=b"x") == [200] * 90
        failures = program.metric("portico_upstream_connect_failures_total")
        assert UNREACHABLE <= failures <= most(UNREACHABLE, begun)
        sick.come_back()
        portico.eventually(lambda: b'"b"' in ask(program).body, what="an answer of the endpoint that is back")


def test_one_that_hangs_costs_a_few_requests(folder, replicas):
    sick = replicas[0]
    with serving(folder, [replica.port for replica in replicas], proxy_read_timeout="1") as program:
        sick.freeze()
        begun = time.monotonic()
        found = statuses(program, 100, method="POST", body=b"x")
        assert set(found) == {200, 504}
        assert FAILURES <= found.count(504) <= FAILURES + 2 + (time.monotonic() - begun - FAILURES) / 2
        sick.thaw()


def test_where_all_fail_all_are_tried_and_who_answers_is_back_at_once(folder, endpoints):
    with serving(folder, [endpoint.port for endpoint in endpoints]) as program:
        for endpoint in endpoints:
            endpoint.play(faults.answer(503, b"not ready"))
        for _ in range(60):
            answer = ask(program)
            assert (answer.status, answer.body) == (503, b"not ready")
        assert program.metric("portico_endpoints_ejected") == 3
        assert all(requests_of(endpoint) >= 10 for endpoint in endpoints)
        for endpoint in endpoints:
            endpoint.play(faults.named("well"))
        assert statuses(program, 30) == [200] * 30


def test_an_applications_errors_eject_only_where_that_is_asked(folder, endpoints):
    *_, sick = endpoints
    ports = [endpoint.port for endpoint in endpoints]
    sick.play(faults.answer(500))
    with serving(folder, ports, **{"portico.dev/outlier_success_rate": "off"}) as program:
        statuses(program, 60)
        assert requests_of(sick) >= 18
        assert program.metric("portico_endpoint_ejections_total") == 0
    sick.play(faults.answer(500))
    with serving(folder, ports, **{"portico.dev/outlier_consecutive_5xx": "3"}) as program:
        begun = time.monotonic()
        statuses(program, 60)
        assert requests_of(sick) <= most(3, begun)


def test_it_can_be_switched_off(folder, endpoints):
    *_, sick = endpoints
    sick.play(faults.answer(503))
    with serving(folder, [endpoint.port for endpoint in endpoints], **{"portico.dev/outlier_ejection": "off"}) as program:
        statuses(program, 60)
        assert requests_of(sick) >= 18


def test_it_can_be_switched_off_for_all(folder, endpoints):
    *_, sick = endpoints
    sick.play(faults.answer(503))
    folder.write("settings.yaml", manifests.config_map("settings", outlier_ejection="off"))
    folder.write(
        "site.yaml",
        *served("site", *(endpoint.port for endpoint in endpoints)),
        ingress("site", rule(HOST, path("/", "site"))),
    )
    with portico.Portico(folder, "--configmap", "default/settings") as program:
        statuses(program, 60)
        assert requests_of(sick) >= 18
