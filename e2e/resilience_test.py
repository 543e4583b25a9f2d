"""Three endpoints under steady load, one of which fails, or all of which are rolled: who notices.

Idempotent requests (GET, PUT) never fail. Others (POST) fail only where the endpoint that failed had been sent them: what becomes
of such a request nobody can know, so it is not sent twice.
"""

import collections
import contextlib
import json
import re

import backends
import faults
import portico
import pytest
import wire
from manifests import endpoint_slice, ingress, path, rule, served, service
from steady_load import Load

HOST = "web.test"
NAMES = ("a", "b", "c")
# This many answers in a row tell how evenly they are spread.
SAMPLE = 90


@pytest.fixture
def replicas():
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(faults.WholeReplica(name)) for name in NAMES]


@pytest.fixture
def web(folder, tmp_path):
    """Starts Portico in front of endpoints at these ports, with an access log."""

    @contextlib.contextmanager
    def start(ports, **annotations):
        written = {key.replace("_", "-"): value for key, value in annotations.items()}
        folder.write("site.yaml", *served("web", *ports))
        folder.write("ingress.yaml", ingress("web", rule(HOST, path("/", "web")), annotations=written))
        with portico.Portico(folder, "--access-log", "json", "--access-log-path", tmp_path / "access.log") as program:
            yield program

    return start


def logged(tmp_path):
    """What the access log says of each request: {its number: the line}."""
    lines = map(json.loads, (tmp_path / "access.log").read_text().splitlines())
    return {int(re.search(r"n=(\d+)", line["target"])[1]): line for line in lines if "n=" in line["target"]}


def assert_only_sent_ones_failed(load, tmp_path, *ports):
    """Each failed request is a POST that one of the endpoints at `ports` had been sent."""
    assert load.failures("GET", "PUT") == []
    if failed := load.failures():
        log = logged(tmp_path)
        endpoints = {f"127.0.0.1:{port}" for port in ports}
        for outcome in failed:
            line = log[outcome.number]
            assert line["endpoint"] in endpoints and line["request_bytes"] > 0, line


def is_even(outcomes, names=NAMES):
    """Each of them answers its share, give or take a third."""
    counts = collections.Counter(outcome.pod for outcome in outcomes)
    share = len(outcomes) / len(names)
    return set(counts) == set(names) and all(abs(count - share) < share / 3 for count in counts.values())


def await_evenness(load, names=NAMES):
    portico.eventually(lambda: is_even(load.next(SAMPLE), names), what=f"an even spread over {names}")


def test_a_killed_endpoint_costs_only_what_it_had_been_sent(web, replicas, tmp_path):
    with web([replica.port for replica in replicas]) as program, Load(program.http, HOST) as load:
        await_evenness(load)
        for replica in replicas:
            lost_before = len(load.failures())
            replica.kill()
            await_evenness(load, [name for name in NAMES if name != replica.name])
            assert len(load.failures()) - lost_before <= load.count, "more than one of each client"
            replica.come_back()
            await_evenness(load)
    assert_only_sent_ones_failed(load, tmp_path, *(replica.port for replica in replicas))


def roll(program, folder, old, new, end):
    """One endpoint after the other, as a Deployment does it: a new one is ready, an old one terminates, ends and is gone.
    `end(replica, names, before)` kills the old one; `names` are the others', `before` is the generation before it was to go."""
    for place, leaving in enumerate(old):
        staying = new[: place + 1] + old[place + 1 :]
        ready = [endpoint_slice("web", one.port, one.port) for one in staying]
        ending = endpoint_slice("web", leaving.port, leaving.port, ready=False, serving=True, terminating=True)
        before = program.metric("portico_config_generation")
        folder.write("site.yaml", service("web"), ending, *ready)
        end(leaving, [one.name for one in staying], before)


@pytest.fixture
def successors():
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(faults.WholeReplica(name)) for name in "xyz"]


def test_a_roll_of_all_endpoints_costs_nothing(web, replicas, successors, folder):
    with web([replica.port for replica in replicas]) as program, Load(program.http, HOST) as load:

        def end_its_work(replica, names, before):
            program.in_effect(lambda: program.metric("portico_config_generation") > before)
            load.settle()
            replica.kill()
            await_evenness(load, names)

        await_evenness(load)
        roll(program, folder, replicas, successors, end_its_work)
    assert load.failures() == []


def test_a_roll_that_waits_for_nobody_costs_only_what_was_sent(web, replicas, successors, folder, tmp_path):
    """Each endpoint is killed while the news of its end is on its way."""
    with web([replica.port for replica in replicas]) as program, Load(program.http, HOST) as load:

        def end_at_once(replica, names, _before):
            replica.kill()
            await_evenness(load, names)

        await_evenness(load)
        roll(program, folder, replicas, successors, end_at_once)
    assert_only_sent_ones_failed(load, tmp_path, *(replica.port for replica in replicas))


def test_a_burst_of_errors_is_seen_by_no_idempotent_request(web, replicas, tmp_path):
    burst = faults.Burst(faults.named("c"), faults.named("c", 503))
    ports = [replica.port for replica in replicas[:2]]
    with backends.Capture(burst) as c, web([*ports, c.port], proxy_next_upstream="error timeout http_503") as program:
        with Load(program.http, HOST) as load:
            await_evenness(load)
            burst.failing = True
            portico.eventually(lambda: burst.failures >= 10, what="a burst")
            burst.failing = False
            await_evenness(load)
    assert_only_sent_ones_failed(load, tmp_path, c.port)
    assert {(outcome.status, outcome.pod) for outcome in load.failures()} <= {(503, "c")}


def test_a_hang_is_seen_only_by_what_it_was_sent(web, replicas, tmp_path):
    hung = replicas[2]
    with web([replica.port for replica in replicas], proxy_read_timeout="3") as program, Load(program.http, HOST) as load:
        await_evenness(load)
        hung.freeze()
        # Left alone soon: not even those that are tried again meet it.
        portico.eventually(lambda: not any(outcome.failed for outcome in load.next(SAMPLE)), what="its ejection")
        await_evenness(load, ["a", "b"])
        hung.thaw()
        await_evenness(load)
    assert_only_sent_ones_failed(load, tmp_path, hung.port)
    assert {outcome.status for outcome in load.failures()} <= {504}


SLOW_SECONDS = 0.2  # ten times what the others take


@pytest.mark.parametrize("strategy", ["ewma", "least_requests"])
def test_a_slow_endpoint_gets_less(web, replicas, strategy):
    ports = [replica.port for replica in replicas[:2]]
    slow = faults.slow(faults.named("c"), SLOW_SECONDS)
    with backends.Capture(slow) as c, web([*ports, c.port], load_balance=strategy) as program, Load(program.http, HOST) as load:
        portico.eventually(lambda: share(load.next(SAMPLE), "c") < 1 / 6, what="half of its share")
    assert load.failures() == []


def share(outcomes, name):
    return sum(outcome.pod == name for outcome in outcomes) / len(outcomes)


def test_retries_do_not_multiply_an_outage(web):
    """Every endpoint resets what it is sent: once the reserve is spent, no success earns any more."""
    requests = 200
    with contextlib.ExitStack() as stack:
        all_of = [stack.enter_context(backends.Capture(faults.reset_behind(b""))) for _ in NAMES]
        program = stack.enter_context(web([one.port for one in all_of]))

        def ask_all():
            with wire.Client(program.http) as client:
                return {client.ask(wire.request(HOST)).status for _ in range(requests)}

        ask_all()
        for one in all_of:
            one.play(faults.reset_behind(b""))
        assert ask_all() == {502}
        assert requests <= sum(len(one.heads()) for one in all_of) <= 1.2 * requests
        for one, name in zip(all_of, NAMES):
            one.play(faults.named(name))
        portico.eventually(lambda: ask_all() == {200}, what="recovery")
