"""adaptive-concurrency: a backend that does a few things at once, asked for far more."""

import statistics
import threading

import backends
import portico
import pytest
import wire
from manifests import ingress, path, rule, served
from steady_load import Load

SLOTS = 4
SERVICE_SECONDS = 0.05
CLIENTS = 60
FIRST_LIMIT = 50  # while nothing is known


@pytest.fixture
def backend():
    """Answers a few at once; the others wait for them."""
    slots = threading.Semaphore(SLOTS)

    def act(connection):
        with slots:
            threading.Event().wait(SERVICE_SECONDS)
        connection.send(backends.OK)

    with backends.Capture(act) as started:
        yield started


def site(folder, port, **annotations):
    annotations = {name.replace("_", "-"): value for name, value in annotations.items()}
    return folder.write("web.yaml", *served("web", port), ingress("web", rule("web.test", path("/", "web")), annotations=annotations))


def limit(program):
    return program.metrics()['portico_circuit_adaptive_limit{namespace="default",service="web",port="80"}']


def median_seconds(outcomes, status):
    return statistics.median(outcome.seconds for outcome in outcomes if outcome.status == status)


def test_what_is_served_is_served_soon_and_the_rest_is_refused_at_once(folder, backend):
    with portico.Portico(site(folder, backend.port)) as program, Load(program.http, "web.test", rate=400, count=CLIENTS) as load:
        load.next(4 * CLIENTS)
        outcomes = load.next(4 * CLIENTS)
        assert {outcome.status for outcome in outcomes} == {200}
        without = median_seconds(outcomes, 200)

    site(folder, backend.port, adaptive_concurrency="on")
    with portico.Portico(folder) as program, Load(program.http, "web.test", rate=400, count=CLIENTS) as load:
        portico.eventually(lambda: limit(program) <= 4 * SLOTS, what="the limit's fall")
        outcomes = load.next(2000)
        assert {outcome.status for outcome in outcomes} == {200, 503}
        assert 3 * median_seconds(outcomes, 200) < without
        assert 3 * median_seconds(outcomes, 503) < without

        def refused():
            answer = wire.get(program.http, "web.test")
            return answer.status == 503 and answer.field("x-portico-overloaded") == "adaptive-limit"

        portico.eventually(refused, what="a refusal")
        told = program.admin("/explain?url=http://web.test/")[1]
        assert "requests by their latency" in told


def test_a_backend_with_little_to_do_is_left_alone(folder, backend):
    with portico.Portico(site(folder, backend.port, adaptive_concurrency="on")) as program:
        with Load(program.http, "web.test", rate=30, count=4) as load:
            assert {outcome.status for outcome in load.next(90)} == {200}
        assert limit(program) == FIRST_LIMIT


def test_it_can_be_turned_off_while_it_runs(folder, backend):
    with portico.Portico(site(folder, backend.port, adaptive_concurrency="on")) as program:
        assert wire.get(program.http, "web.test").status == 200
        assert limit(program) > 0
        site(folder, backend.port)
        portico.eventually(lambda: not any("adaptive_limit" in name for name in program.metrics()), what="the end of the limit")
        assert wire.get(program.http, "web.test").status == 200
