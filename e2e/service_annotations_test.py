"""What a Service asks for by annotations, for all Ingresses that use it."""

import collections
import re

import manifests
import portico
import pytest
import wire
from manifests import ingress, path, rule
from steady_load import Load

OWN = "portico.dev/"
USERS = [f"user-{number}" for number in range(40)]


class Shop:
    """One Service of three endpoints, and Ingresses `a.test`, `b.test` before it; one worker, so that turns are exact."""

    def __init__(self, folder, echoes):
        self.folder = folder
        self.slices = [manifests.endpoint_slice("shop", echo.port, number) for number, echo in enumerate(echoes, 1)]
        self.program = None

    def write(self, annotations=None, a=None, b=None, **spec):
        """Annotations of the Service (without their prefix) and of both Ingresses."""
        own = {OWN + name: value for name, value in (annotations or {}).items()}
        self.folder.write("service.yaml", manifests.service("shop", annotations=own, **spec), *self.slices)
        for name, asked in (("a", a), ("b", b)):
            one = ingress(name, rule(f"{name}.test", path("/", "shop")), annotations=asked)
            self.folder.write(f"{name}.yaml", one)

    def change(self, **written):
        before = self.program.metric("portico_config_generation")
        self.write(**written)
        self.program.in_effect(lambda: self.program.metric("portico_config_generation") > before)

    def counts(self, host, count=30):
        with wire.Client(self.program.http) as client:
            asked = (client.ask(wire.request(host)).json()["pod"] for _ in range(count))
            return collections.Counter(asked)

    def places(self, host):
        """{user: the endpoints that three requests of that user reach}"""
        with wire.Client(self.program.http) as client:
            return {
                user: {client.ask(wire.request(host, "/", f"X-User: {user}")).json()["pod"] for _ in range(3)}
                for user in USERS
            }

    def is_sticky(self, host):
        return all(len(places) == 1 for places in self.places(host).values())

    def sets_cookie(self, host):
        return wire.get(self.program.http, host).field("set-cookie")


@pytest.fixture
def shop(folder, echoes):
    return Shop(folder, echoes)


@pytest.fixture
def serve(shop):
    programs = []

    def start(**written):
        shop.write(**written)
        shop.program = portico.Portico(shop.folder, "--workers", "1")
        programs.append(shop.program)
        shop.program.__enter__()
        return shop

    yield start
    for program in programs:
        program.__exit__(None, None, None)


def test_a_service_asks_for_all_its_ingresses(serve):
    shop = serve(annotations={"upstream-hash-by": "$http_x_user"})
    assert shop.is_sticky("a.test") and shop.is_sticky("b.test")
    assert shop.places("a.test") == shop.places("b.test")


def test_an_ingress_comes_before_its_service(serve):
    shop = serve(annotations={"upstream-hash-by": "$http_x_user"}, a={"upstream-hash-by": ""})
    assert shop.counts("a.test") == {"a": 10, "b": 10, "c": 10}
    assert not shop.is_sticky("a.test") and shop.is_sticky("b.test")


def test_an_ingress_refines_what_its_service_asks_for(serve):
    shop = serve(annotations={"affinity": "cookie"}, a={"session-cookie-name": "MINE"}, b={OWN + "affinity": "none"})
    assert shop.sets_cookie("a.test").startswith("MINE=")
    assert shop.sets_cookie("b.test") is None


def test_affinity_of_a_service_keeps_clients_at_an_endpoint(serve):
    shop = serve(annotations={"affinity": "cookie", "session-cookie-name": "SHOP"})
    cookie = re.match(r"SHOP=[^;]+", shop.sets_cookie("a.test"))[0]
    with wire.Client(shop.program.http) as client:
        pods = {client.ask(wire.request("a.test", "/", f"Cookie: {cookie}")).json()["pod"] for _ in range(12)}
    assert len(pods) == 1


def test_ingress_nginx_names_on_a_service_stay_without_effect(serve):
    shop = serve(annotations={"load-balance": "ewma"})
    shop.folder.write(
        "service.yaml",
        manifests.service("shop", annotations={"nginx.ingress.kubernetes.io/upstream-hash-by": "$http_x_user"}),
        *shop.slices,
    )
    shop.program.in_effect(lambda: "as the Service asks" not in shop.program.admin("/explain?url=http://a.test/")[1])
    assert not shop.is_sticky("a.test")
    result = portico.run("check", shop.folder.path)
    assert result.returncode == 0 and "upstream-hash-by" not in result.stdout


def test_a_change_is_in_effect_at_once_and_loses_nothing(serve):
    shop = serve()
    with wire.Client(shop.program.http) as kept, Load(shop.program.http, "a.test") as load:
        assert kept.ask(wire.request("a.test")).status == 200
        load.next(50)
        for annotations in (
            {"upstream-hash-by": "$http_x_user"},
            {"load-balance": "ewma"},
            {"affinity": "cookie"},
            {},
            {"upstream-hash-by": "$http_x_user", "load-balance": "random"},
        ):
            shop.change(annotations=annotations)
            assert shop.is_sticky("b.test") == ("upstream-hash-by" in annotations)
            assert bool(shop.sets_cookie("b.test")) == ("affinity" in annotations)
            load.next(20)
        assert kept.ask(wire.request("a.test")).status == 200
    assert not load.failures()


def test_a_bad_value_counts_as_not_given_and_is_told_until_it_is_mended(serve):
    shop = serve(annotations={"load-balance": "fastest", "affinity-mode": "persistent"})
    assert shop.counts("a.test") == {"a": 10, "b": 10, "c": 10}
    shop.program.wait_for_log(r'error.*Service default/shop.*"fastest" is not round_robin')
    result = portico.run("check", shop.folder.path)
    bad = [line for line in result.stdout.splitlines() if "fastest" in line]
    assert result.returncode == 1 and len(bad) == 1
    assert re.match(r".*service\.yaml:\d+: error: Service default/shop: metadata\.annotations\[portico\.dev/load-balance\]", bad[0])
    assert "has no effect without `affinity: cookie`" in result.stdout
    shop.write(annotations={"load-balance": "ewma"})
    assert portico.run("check", shop.folder.path).returncode == 0


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("load-balanse", 'did you mean "load-balance"?'),
        ("proxy-read-timeout", "put it on the Ingress"),
        ("weight", "put it on an EndpointSlice"),
    ],
)
def test_what_does_not_belong_on_a_service_is_found(shop, name, words):
    shop.write(annotations={name: "5"})
    result = portico.run("check", shop.folder.path)
    assert result.returncode == 0
    (line,) = [line for line in result.stdout.splitlines() if f"[{OWN}{name}]" in line]
    assert "warning: Service default/shop" in line and words in line


def test_explain_says_where_it_is_the_service_that_asks(shop):
    shop.write(annotations={"load-balance": "ewma"}, b={"load-balance": "random"})

    def said(host):
        return portico.run("explain", f"http://{host}/", "--manifests", shop.folder.path).stdout

    assert "peak EWMA of two drawn by lot, as the Service asks" in said("a.test")
    assert "as the Service asks" not in said("b.test")


def test_a_service_may_ask_for_its_own_address(serve, echoes):
    shop = serve(annotations={"service-upstream": "true"}, clusterIP="127.0.0.2", b={"service-upstream": "false"})
    assert shop.counts("b.test") == {"a": 10, "b": 10, "c": 10}
    said = shop.program.admin("/explain?url=http://a.test/")[1]
    assert "127.0.0.2:80" in said
