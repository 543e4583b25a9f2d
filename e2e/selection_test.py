"""Which Ingresses count, what serves the rest, and which endpoints of a Service are used."""

import collections

import manifests
import portico
import pytest
import wire
from manifests import endpoint_slice, ingress, ingress_class, path, rule, served, service

OLD, NEW = "2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z"


def for_host(name, host, **settings):
    return ingress(name, rule(host, path("/", "a")), **settings)


def test_only_ingresses_of_our_classes_are_served(folder, echo):
    folder.write("a.yaml", *served("a", echo.port))
    folder.write(
        "classes.yaml",
        ingress_class("edge"),
        ingress_class("foreign", controller="example.com/other"),
    )
    annotated = {"kubernetes.io/ingress.class": "portico"}
    folder.write(
        "ingresses.yaml",
        for_host("by-name", "by-name.test"),
        for_host("second-class", "second-class.test", class_name="edge"),
        for_host("foreign", "foreign.test", class_name="foreign"),
        for_host("unknown", "unknown.test", class_name="nobody"),
        for_host("none", "none.test", class_name=None),
        for_host("annotated", "annotated.test", class_name=None, annotations=annotated),
        for_host("other", "other.test", class_name=None, annotations={"kubernetes.io/ingress.class": "nginx"}),
    )
    wanted = {
        "by-name.test": "a",
        "second-class.test": "a",
        "foreign.test": 404,
        "unknown.test": 404,
        "none.test": 404,
        "annotated.test": "a",
        "other.test": 404,
    }
    with portico.Portico(folder) as program:
        assert {host: wire.pod(program.http, host) for host in wanted} == wanted


def test_the_default_class_takes_ingresses_that_name_none(tmp_path, echo):
    folder = manifests.Folder(tmp_path / "m")
    folder.write("all.yaml", ingress_class(default=True), *served("a", echo.port), for_host("none", "none.test", class_name=None))
    with portico.Portico(folder) as program:
        assert wire.pod(program.http, "none.test") == "a"


def test_the_class_and_controller_names_are_flags(tmp_path, echo):
    folder = manifests.Folder(tmp_path / "m")
    folder.write(
        "all.yaml",
        ingress_class("mine", controller="example.com/mine"),
        ingress_class(),
        *served("a", echo.port),
        for_host("mine", "mine.test", class_name="mine"),
        for_host("usual", "usual.test"),
    )
    with portico.Portico(folder, "--ingress-class", "mine", "--controller-class", "example.com/mine") as program:
        assert wire.pod(program.http, "mine.test") == "a"
        assert wire.pod(program.http, "usual.test") == 404


def test_a_default_backend_serves_what_no_rule_matches(folder, echoes):
    for echo in echoes:
        folder.write(f"{echo.name}.yaml", *served(echo.name, echo.port))
    folder.write(
        "ingresses.yaml",
        ingress("younger", default="c", created=NEW),
        ingress("older", rule("x.test", path("/foo", "a")), default="b", created=OLD),
    )
    wanted = {("x.test", "/foo"): "a", ("x.test", "/bar"): "b", ("y.test", "/"): "b", ("y.test", "/foo"): "b"}
    with portico.Portico(folder, "--default-backend-service", "default/c") as program:
        assert {key: wire.pod(program.http, *key) for key in wanted} == wanted


def test_the_default_backend_service_comes_after_every_ingress(folder, echoes):
    for echo in echoes[:2]:
        folder.write(f"{echo.name}.yaml", *served(echo.name, echo.port))
    folder.write("ingress.yaml", for_host("only", "x.test"))
    with portico.Portico(folder, "--default-backend-service", "default/b") as program:
        assert (wire.pod(program.http, "x.test"), wire.pod(program.http, "y.test")) == ("a", "b")


def test_without_a_default_backend_the_rest_is_404(plain):
    answer = wire.get(plain.http, "nobody.test", "/x")
    assert answer.status == 404 and answer.field("server") == "portico" and answer.field("date")


@pytest.fixture(scope="module")
def broken(module_folder, echo):
    """Rules that lead nowhere, each beside a `/` that leads somewhere."""
    module_folder.write("a.yaml", *served("a", echo.port), service("empty"), service("unready"), service("wrong-port"))
    module_folder.write(
        "slices.yaml",
        endpoint_slice("unready", echo.port, ready=False),
        endpoint_slice("wrong-port", echo.port, port_name="another"),
    )
    rules = [path("/", "a"), path("/missing", "nobody"), path("/port", "a", port=81), path("/port-name", "a", port="web")]
    rules += [path(f"/{name}", name) for name in ("empty", "unready", "wrong-port")]
    module_folder.write("ingress.yaml", ingress("broken", rule("broken.test", *rules)))
    with portico.Portico(module_folder) as program:
        yield program


@pytest.mark.parametrize("target", ["/missing", "/port", "/port-name", "/empty", "/unready", "/wrong-port", "/missing/x"])
def test_a_rule_that_leads_nowhere_keeps_its_match_and_answers_503(broken, target):
    assert wire.get(broken.http, "broken.test", target).status == 503


def test_its_neighbours_are_served(broken):
    assert wire.pod(broken.http, "broken.test", "/else") == "a"


def test_conditions_decide_which_endpoints_are_used(folder, echoes):
    a, b, c = (echo.port for echo in echoes)
    folder.write("service.yaml", service("mixed"), ingress("mixed", rule("mixed.test", path("/", "mixed"))))
    folder.write(
        "slices.yaml",
        endpoint_slice("mixed", a, 1),
        endpoint_slice("mixed", b, 2, ready=True, serving=True, terminating=False),
        endpoint_slice("mixed", c, 3, ready=False, serving=True, terminating=True),
    )
    with portico.Portico(folder) as program, wire.Client(program.http) as client:
        pods = {client.ask(wire.request("mixed.test")).json()["pod"] for _ in range(12)}
    assert pods == {"a", "b"}


@pytest.fixture
def hinted(folder, echoes):
    """near.test: an endpoint for each of the zones z1, z2 and z3; the last of them is for the node n3 too."""
    folder.write("service.yaml", service("near"), ingress("near", rule("near.test", path("/", "near"))))
    for number, echo in enumerate(echoes, 1):
        one = endpoint_slice("near", echo.port, number)
        places = {"forZones": [{"name": f"z{number}"}], "forNodes": [{"name": f"n{number}"}]}
        one["endpoints"][0]["hints"] = places
        folder.write(f"slice-{number}.yaml", one)
    return folder


def pods_of(program, host):
    with wire.Client(program.http) as client:
        return {client.ask(wire.request(host)).json()["pod"] for _ in range(12)}


@pytest.mark.parametrize(
    ("flags", "pods"),
    [
        (["--zone", "z2"], {"b"}),
        (["--zone", "z2", "--node-name", "n3"], {"c"}),
        (["--zone", "elsewhere"], {"a", "b", "c"}),
        ([], {"a", "b", "c"}),
    ],
    ids=["zone", "node", "elsewhere", "unknown"],
)
def test_hints_choose_the_endpoints_that_are_near(hinted, flags, pods):
    with portico.Portico(hinted, *flags) as program:
        assert pods_of(program, "near.test") == pods


def test_the_place_is_read_from_the_environment(hinted):
    with portico.Portico(hinted, variables={"NODE_ZONE": "z1"}) as program:
        assert pods_of(program, "near.test") == {"a"}


def test_slices_are_merged_and_load_is_spread_evenly(folder, echoes):
    ports = [echo.port for echo in echoes]
    folder.write("service.yaml", *served("all", *ports), ingress("all", rule("all.test", path("/", "all"))))
    folder.write("again.yaml", endpoint_slice("all", ports[0], number=9))
    with portico.Portico(folder, "--workers", "1") as program, wire.Client(program.http) as client:
        counts = collections.Counter(client.ask(wire.request("all.test")).json()["pod"] for _ in range(30))
    assert counts == {"a": 10, "b": 10, "c": 10}
