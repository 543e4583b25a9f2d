"""How requests are spread over endpoints: strategies and consistent hashing."""

import collections
import contextlib
import threading

import backends
import faults
import manifests
import portico
import pytest
import wire
from manifests import ingress, path, rule

SLOW_SECONDS = 0.5


class Site:
    """Portico in front of the Service `site`, with one worker, so that its choices are one sequence."""

    def __init__(self, folder, *ports, **annotations):
        self._folder = folder
        self._annotations = {key.replace("_", "-"): value for key, value in annotations.items()}
        self._write(ports)
        self.program = portico.Portico(folder, "--workers", "1")

    def _write(self, ports):
        site = ingress("site", rule("site.test", path("/", "site")), annotations=self._annotations)
        self._folder.write("site.yaml", site, *manifests.served("site", *ports))

    def set_ports(self, *ports):
        before = self.program.metric("portico_config_generation")
        self._write(ports)
        self.program.in_effect(lambda: self.program.metric("portico_config_generation") > before)

    def ask(self, client, *lines, at="/"):
        return client.ask(wire.request("site.test", at, *lines))

    def pods(self, count, *lines):
        """Of `count` requests, one after the other, on one connection."""
        with wire.Client(self.program.http) as client:
            return [self.ask(client, *lines).json()["pod"] for _ in range(count)]

    def pod_of_each(self, users, header="X-User"):
        with wire.Client(self.program.http) as client:
            return {user: self.ask(client, f"{header}: {user}").json()["pod"] for user in users}

    def __enter__(self):
        self.program.__enter__()
        return self

    def __exit__(self, *error):
        self.program.__exit__(*error)


def ports_of(echoes):
    return [echo.port for echo in echoes]


# ---- strategies


def test_round_robin_is_exact(folder, echoes):
    with Site(folder, *ports_of(echoes)) as site:
        assert collections.Counter(site.pods(30)) == {"a": 10, "b": 10, "c": 10}


def test_round_robin_stays_exact_while_an_endpoint_comes(folder, echoes):
    a, b, c = ports_of(echoes)
    with Site(folder, a, b) as site:
        assert collections.Counter(site.pods(5)) in ({"a": 3, "b": 2}, {"a": 2, "b": 3})
        site.set_ports(a, b, c)
        assert collections.Counter(site.pods(30)) == {"a": 10, "b": 10, "c": 10}


def test_a_further_try_takes_the_next_turn(folder, echoes, refused_port):
    a, b, _ = ports_of(echoes)
    with Site(folder, a, b, refused_port) as site:
        counted = collections.Counter(site.pods(60))
        assert set(counted) == {"a", "b"} and counted.total() == 60


@pytest.mark.parametrize("strategy", ["ewma", "least_requests", "random"])
def test_every_strategy_reaches_every_endpoint(folder, echoes, strategy):
    with Site(folder, *ports_of(echoes), load_balance=strategy) as site:
        assert set(site.pods(200)) == {"a", "b", "c"}


@contextlib.contextmanager
def held_at(site, held):
    """While a request hangs at the endpoint that plays `held`: one client asks until that has happened."""
    with wire.Client(site.program.http) as client:

        def ask_until_held():
            while client.ask(wire.request("site.test")).body != b"ok":
                pass

        asking = threading.Thread(target=ask_until_held, daemon=True)
        asking.start()
        held.wait()
        yield
        held.let_go()
        asking.join(portico.PATIENCE)


@pytest.mark.parametrize("strategy", ["ewma", "least_requests"])
def test_an_endpoint_that_hangs_gets_no_more(folder, echo, recorded, strategy):
    held = faults.Held()
    recorded.play(held)
    with Site(folder, recorded.port, echo.port, load_balance=strategy) as site, held_at(site, held):
        assert set(site.pods(50)) == {"a"}


def test_ewma_avoids_the_endpoint_that_answers_slowly(folder, echo, recorded):
    def answer_slowly(connection):
        threading.Event().wait(SLOW_SECONDS)
        connection.send(backends.OK)

    recorded.play(answer_slowly)
    with Site(folder, recorded.port, echo.port, load_balance="ewma") as site, wire.Client(site.program.http) as client:

        def slow_one_was_asked():
            site.ask(client)
            return recorded.heads()

        portico.eventually(slow_one_was_asked)
        slow = sum(site.ask(client).body == b"ok" for _ in range(100))
        assert slow <= 5


def test_the_configmap_sets_the_strategy_of_all(folder, echoes, recorded):
    held = faults.Held()
    recorded.play(held)
    folder.write("map.yaml", manifests.config_map("settings", load_balance="least_requests"))
    folder.write(
        "site.yaml",
        ingress("site", rule("site.test", path("/", "site"))),
        *manifests.served("site", recorded.port, echoes[0].port),
    )
    with portico.Portico(folder, "--workers", "1", "--configmap", "default/settings") as program:
        site = Site.__new__(Site)
        site.program = program
        with held_at(site, held):
            assert set(site.pods(50)) == {"a"}


# ---- consistent hashing


USERS = [f"user-{number}" for number in range(120)]


def test_hashing_by_a_header_sticks_and_spreads(folder, echoes):
    with Site(folder, *ports_of(echoes), upstream_hash_by="$http_x_user") as site:
        first = site.pod_of_each(USERS)
        assert site.pod_of_each(USERS) == first
        counted = collections.Counter(first.values())
        assert set(counted) == {"a", "b", "c"} and min(counted.values()) >= 15


def test_a_request_without_the_header_goes_by_turns(folder, echoes):
    with Site(folder, *ports_of(echoes), upstream_hash_by="$http_x_user") as site:
        assert collections.Counter(site.pods(30)) == {"a": 10, "b": 10, "c": 10}


def test_the_keys_of_others_stay_where_an_endpoint_leaves(folder, echoes):
    a, b, c = ports_of(echoes)
    with Site(folder, a, b, c, upstream_hash_by="$http_x_user") as site:
        before = site.pod_of_each(USERS)
        site.set_ports(a, c)
        after = site.pod_of_each(USERS)
        moved = [user for user in USERS if before[user] != "b" and after[user] != before[user]]
        assert set(after.values()) == {"a", "c"}
        assert len(moved) <= 3
        site.set_ports(a, b, c)
        assert site.pod_of_each(USERS) == before


def test_replicas_agree(folder, echoes):
    with Site(folder, *ports_of(echoes), upstream_hash_by="$http_x_user") as site:
        first = site.pod_of_each(USERS)
        with portico.Portico(folder, "--workers", "2") as other:
            site.program, before = other, site.program
            assert site.pod_of_each(USERS) == first
            site.program = before


@pytest.mark.parametrize(
    ("key", "lines", "at"),
    [
        ("$cookie_cart", ("Cookie: theme=dark; cart={}",), "/"),
        ("$arg_tenant", (), "/?x=1&tenant={}"),
        ("${request_uri}", (), "/{}"),
        ("v1-$uri", (), "/{}"),
    ],
)
def test_a_key_is_made_of_any_part_of_a_request(folder, echoes, key, lines, at):
    def pod_of(site, client, value):
        return site.ask(client, *(line.format(value) for line in lines), at=at.format(value)).json()["pod"]

    with Site(folder, *ports_of(echoes), upstream_hash_by=key) as site, wire.Client(site.program.http) as client:
        first = [pod_of(site, client, user) for user in USERS[:30]]
        assert [pod_of(site, client, user) for user in USERS[:30]] == first
        assert set(first) == {"a", "b", "c"}


def test_a_subset_is_a_few_endpoints_and_chance_is_one_of_them(folder, echoes):
    annotations = {"upstream_hash_by": "$http_x_user", "upstream_hash_by_subset": "true", "upstream_hash_by_subset_size": "2"}
    with Site(folder, *ports_of(echoes), **annotations) as site:
        subsets = {frozenset(site.pods(60, f"X-User: {user}")) for user in USERS[:12]}
        assert all(len(subset) == 2 for subset in subsets) and len(subsets) > 1


def test_an_endpoint_that_refuses_is_left_for_the_next_one_of_the_table(folder, echoes, refused_port):
    a, b, _ = ports_of(echoes)
    with Site(folder, a, b, refused_port, upstream_hash_by="$http_x_user") as site:
        first = site.pod_of_each(USERS)
        assert set(first.values()) == {"a", "b"}
        assert site.pod_of_each(USERS) == first
