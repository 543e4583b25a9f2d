"""Three endpoints under steady load that leave one after the other: nobody notices."""

import collections
import contextlib

import faults
import portico
import pytest
from manifests import endpoint_slice, ingress, path, rule, served, service
from steady_load import Load

HOST = "web.test"
NAMES = ("a", "b", "c")
# This many answers in a row tell how evenly they are spread.
SAMPLE = 90


@pytest.fixture
def replicas():
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(faults.Replica(name)) for name in NAMES]


@pytest.fixture
def web(folder):
    """Starts Portico in front of endpoints at these ports."""

    @contextlib.contextmanager
    def start(ports, **annotations):
        written = {key.replace("_", "-"): value for key, value in annotations.items()}
        folder.write("site.yaml", *served("web", *ports))
        folder.write("ingress.yaml", ingress("web", rule(HOST, path("/", "web")), annotations=written))
        with portico.Portico(folder) as program:
            yield program

    return start


def is_even(outcomes, names=NAMES):
    """Each of them answers its share, give or take a third."""
    counts = collections.Counter(outcome.pod for outcome in outcomes)
    share = len(outcomes) / len(names)
    return set(counts) == set(names) and all(abs(count - share) < share / 3 for count in counts.values())


def await_evenness(load, names=NAMES):
    portico.eventually(lambda: is_even(load.next(SAMPLE), names), what=f"an even spread over {names}")


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
        yield [stack.enter_context(faults.Replica(name)) for name in "xyz"]


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
