"""Endpoints of different weight, and those that begin slowly."""

import collections

import faults
import manifests
import portico
import pytest
import wire
from manifests import ingress, path, rule

SLOW_START = 8  # seconds


def weighed(number, port, weight):
    one = manifests.endpoint_slice("site", port, number)
    one["metadata"]["annotations"] = {"portico.dev/weight": str(weight)}
    return one


class Site:
    """Portico in front of the Service `site`, with one worker, so that its choices are one sequence."""

    def __init__(self, folder, weights, **annotations):
        """`weights`: of the endpoints at these ports."""
        self._folder = folder
        self._annotations = {key.replace("_", "-"): value for key, value in annotations.items()}
        self._write(weights)
        self.program = portico.Portico(folder, "--workers", "1")

    def _write(self, weights):
        site = ingress("site", rule("site.test", path("/", "site")), annotations=self._annotations)
        slices = [weighed(number, port, weight) for number, (port, weight) in enumerate(weights.items(), 1)]
        self._folder.write("site.yaml", site, manifests.service("site"), *slices)

    def set_weights(self, weights):
        before = self.program.metric("portico_config_generation")
        self._write(weights)
        self.program.in_effect(lambda: self.program.metric("portico_config_generation") > before)

    def pods(self, count):
        """How many of `count` requests, one after the other, each endpoint got."""
        with wire.Client(self.program.http) as client:
            asked = (client.ask(wire.request("site.test", "/")).json()["pod"] for _ in range(count))
            return collections.Counter(asked)

    def __enter__(self):
        self.program.__enter__()
        return self

    def __exit__(self, *error):
        self.program.__exit__(*error)


@pytest.fixture
def ports(echoes):
    return [echo.port for echo in echoes]


def test_turns_are_exact_by_weight(folder, ports):
    a, b, _ = ports
    with Site(folder, {a: 3, b: 1}) as site:
        for _ in range(5):
            assert site.pods(4) == {"a": 3, "b": 1}


def test_a_weight_that_changes_is_in_effect_at_once(folder, ports):
    a, b, c = ports
    with Site(folder, {a: 1, b: 1, c: 1}) as site:
        assert site.pods(9) == {"a": 3, "b": 3, "c": 3}
        site.set_weights({a: 1, b: 5, c: 1})
        counts = site.pods(700)
        assert abs(counts["b"] - 500) <= 3 and abs(counts["a"] - 100) <= 3
        site.set_weights({a: 2, b: 2, c: 2})
        assert site.pods(9) == {"a": 3, "b": 3, "c": 3}


@pytest.mark.parametrize("strategy", ["random", "least_requests", "ewma"])
def test_every_strategy_heeds_weights(folder, ports, strategy):
    a, b, c = ports
    with Site(folder, {a: 10, b: 10, c: 1}, load_balance=strategy) as site:
        counts = site.pods(420)
        assert 1 <= counts["c"] <= 70  # 20 by weight; ewma sees two of the three, and may like it


def test_a_new_endpoint_begins_slowly(folder, ports):
    a, b, c = ports
    with Site(folder, {a: 1, b: 1}, slow_start=str(SLOW_START)) as site:
        site.pods(10)
        site.set_weights({a: 1, b: 1, c: 1})
        counts = site.pods(42)
        assert counts["c"] <= 9  # 2 at first, 14 by its weight
        assert abs(counts["a"] - counts["b"]) <= 2
        portico.eventually(lambda: set(site.pods(30).values()) == {10})


def test_nobody_is_slow_where_all_are_new(folder, ports):
    a, b, c = ports
    with Site(folder, {a: 1}, slow_start=str(SLOW_START)) as site:
        site.pods(10)
        site.set_weights({b: 1, c: 1})
        assert site.pods(30) == {"b": 15, "c": 15}


def test_an_endpoint_that_is_back_from_ejection_begins_slowly(folder, ports):
    with faults.Replica("back") as replica, Site(folder, {ports[0]: 1, replica.port: 1}, slow_start=str(SLOW_START)) as site:
        assert site.pods(20) == {"a": 10, "back": 10}
        replica.kill()
        portico.eventually(lambda: site.pods(2) and site.program.metric("portico_endpoints_ejected") == 1)
        replica.come_back()
        portico.eventually(lambda: site.pods(1)["back"])
        assert site.pods(42)["back"] <= 12  # 4 at first, 21 by its weight
        portico.eventually(lambda: site.pods(20) == {"a": 10, "back": 10})


def test_explain_names_weights_and_slow_start(folder, ports):
    a, b, _ = ports
    with Site(folder, {a: 3, b: 1}, slow_start="30") as site:
        said = portico.run("explain", "--manifests", str(folder.path), "http://site.test/").stdout
        assert f"127.0.0.1:{a} 3" in said and f"127.0.0.1:{b} 1" in said
        assert "a new endpoint gets its whole share after 30 s" in said
        assert site.pods(4) == {"a": 3, "b": 1}
