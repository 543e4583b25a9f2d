"""Endpoints that are near come first; far ones are asked where no near one is left. And where too few serve, all are asked."""

import contextlib

import backends
import faults
import portico
import pytest
import wire
from manifests import endpoint_slice, ingress, path, rule, served, service
from steady_load import Load

HOST = "web.test"
SAMPLE = 30


def in_zone(zone, port):
    one = endpoint_slice("web", port, port)
    one["endpoints"][0]["hints"] = {"forZones": [{"name": zone}]}
    return one


@pytest.fixture
def near_and_far(folder):
    """a and b are in this zone, c in another."""
    with contextlib.ExitStack() as stack:
        replicas = [stack.enter_context(faults.WholeReplica(name)) for name in "abc"]
        slices = [in_zone(zone, replica.port) for zone, replica in zip(["here", "here", "there"], replicas, strict=True)]
        folder.write("site.yaml", service("web"), *slices, ingress("web", rule(HOST, path("/", "web"))))
        yield replicas


def pods(load):
    return {outcome.pod for outcome in load.next(SAMPLE)}


def await_pods(load, *names):
    portico.eventually(lambda: pods(load) == set(names), what=f"answers of {names} alone")


def test_far_endpoints_take_over_while_no_near_one_lives(folder, near_and_far):
    a, b, c = near_and_far
    with portico.Portico(folder, "--zone", "here") as program, Load(program.http, HOST, methods=("GET",)) as load:
        await_pods(load, "a", "b")
        a.kill()
        await_pods(load, "b")
        b.kill()
        await_pods(load, "c")
        assert program.metric("portico_backend_panics_total") == 0
        a.come_back()
        await_pods(load, "a")
        told = program.admin(f"/explain?url=http://{HOST}/")[1]
        assert f"far          127.0.0.1:{c.port}: where no near one serves" in told
    assert load.failures() == []


def test_far_endpoints_get_nothing_while_a_near_one_serves(folder, near_and_far):
    with portico.Portico(folder, "--zone", "here") as program, Load(program.http, HOST, methods=("GET",)) as load:
        load.next(10 * SAMPLE)
    assert {outcome.pod for outcome in load.outcomes} == {"a", "b"}


@pytest.fixture
def scripted():
    """Three that answer who they are, by a script that a test may change."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(backends.Capture(faults.named(name))) for name in "abc"]


def requests_of(endpoint):
    return sum(connection.answers for connection in endpoint.connections)


@pytest.mark.parametrize("threshold", ["60", "30"])
def test_below_the_threshold_ejected_endpoints_are_asked_too(folder, scripted, threshold):
    """Two of three answer 503, which is tried elsewhere: below 60 percent all three are asked, not below 30."""
    annotations = {"panic-threshold": threshold, "proxy-next-upstream": "http_503", "outlier-success-rate": "off"}
    ports = [one.port for one in scripted]
    folder.write("site.yaml", *served("web", *ports), ingress("web", rule(HOST, path("/", "web")), annotations=annotations))
    sick = scripted[:2]
    for one in sick:
        one.play(faults.named("sick", 503))
    with portico.Portico(folder, "--workers", "1") as program:

        def ask():
            return wire.get(program.http, HOST).status

        portico.eventually(lambda: ask() and program.metric("portico_endpoints_ejected") == 2, what="two ejections")
        panics = program.metric("portico_backend_panics_total")
        before = [requests_of(one) for one in sick]
        statuses = {ask() for _ in range(60)}
        asked = [requests_of(one) - count for one, count in zip(sick, before, strict=True)]
        if threshold == "60":
            assert program.metric("portico_backend_panics_total") - panics == 60
            assert min(asked) >= 20, "each has its share"
        else:
            assert program.metric("portico_backend_panics_total") == 0
            assert statuses == {200}
            assert max(asked) < 20, "only to find out how they are"
