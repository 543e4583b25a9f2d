"""An endpoint that fails far more of its requests than the others do is left alone, though it never fails several times in a row."""

import collections
import contextlib

import backends
import faults
import portico
import pytest
from manifests import ingress, path, rule, served
from steady_load import Load

HOST = "web.test"
SAMPLE = 90  # answers in a row
MANY = 60  # failures of one endpoint that would be proof enough


@pytest.fixture
def bursts():
    """Each answers 500 to every fifth request while it is told to."""
    return [faults.Burst(faults.named(name), faults.answer(500)) for name in "abc"]


@pytest.fixture
def serving(folder, bursts):
    @contextlib.contextmanager
    def start(**annotations):
        written = {key.replace("_", "-"): value for key, value in annotations.items()}
        with contextlib.ExitStack() as stack:
            endpoints = [stack.enter_context(backends.Capture(burst)) for burst in bursts]
            folder.write("site.yaml", *served("web", *(endpoint.port for endpoint in endpoints)))
            folder.write("ingress.yaml", ingress("web", rule(HOST, path("/", "web")), annotations=written))
            program = stack.enter_context(portico.Portico(folder))
            load = stack.enter_context(Load(program.http, HOST))
            yield program, load, endpoints

    return start


def fail_much(*bursts):
    for burst in bursts:
        burst.failing = True
    portico.eventually(lambda: all(burst.failures >= MANY for burst in bursts), what="failures")


def by_success_rate(program):
    return sum(
        value
        for name, value in program.metrics().items()
        if name.startswith("portico_endpoint_ejections_total{") and 'reason="success_rate"' in name
    )


def test_who_fails_every_fifth_request_is_left_alone_and_comes_back(serving, bursts):
    with serving() as (program, load, endpoints):
        load.next(SAMPLE)
        bursts[2].failing = True
        name = f"127.0.0.1:{endpoints[2].port} of default/web:80"
        program.wait_for_log(rf"info endpoint {name} fails \d+(\.\d)? % of its requests, the others 0 %, and is ejected")
        assert by_success_rate(program) >= 1
        # The longer it fails, the longer it is left alone.
        portico.eventually(lambda: not any(outcome.failed for outcome in load.next(SAMPLE)), what="no failures")
        bursts[2].failing = False
        program.wait_for_log(f"info endpoint {name} is back")

        def is_even():
            counts = collections.Counter(outcome.pod for outcome in load.next(SAMPLE))
            return set(counts) == set("abc") and min(counts.values()) > SAMPLE / 5

        portico.eventually(is_even, what="its share")
    assert {(outcome.status, outcome.pod) for outcome in load.failures()} <= {(500, None)}


def test_nobody_is_left_alone_where_all_fail_alike(serving, bursts):
    with serving() as (program, load, _):
        fail_much(*bursts)
        load.next(SAMPLE)
        assert program.metric("portico_endpoint_ejections_total") == 0


def test_it_can_be_switched_off(serving, bursts):
    with serving(**{"portico.dev/outlier_success_rate": "off"}) as (program, load, _):
        fail_much(bursts[0])
        load.next(SAMPLE)
        assert program.metric("portico_endpoint_ejections_total") == 0
