"""Canaries as ingress-nginx has them: another Ingress takes a part of a rule's requests."""

import json
import math
import re
import subprocess

import portico
import pytest
import steady_load
import wire
from manifests import ingress, path, rule, served

MAIN, CANARY, OTHER = "a", "b", "c"
STICKY = {"affinity": "cookie"}


def main(host, annotations=None, *paths, created="2023-01-01T00:00:00Z", name=None):
    return ingress(name or f"main-{host}", rule(host, *(paths or [path("/", MAIN)])), annotations=annotations, created=created)


def canary(host, annotations, *paths, created="2024-01-01T00:00:00Z", name=None):
    paths = paths or [path("/", CANARY)]
    return ingress(name or f"next-{host}", rule(host, *paths), annotations={"canary": "true"} | annotations, created=created)


def write_site(folder, echoes):
    for echo in echoes:
        folder.write(f"{echo.name}.yaml", *served(echo.name, echo.port))
    folder.write(
        "ingresses.yaml",
        main("header.test"),
        canary("header.test", {"canary-by-header": "X-Canary"}),
        main("value.test"),
        canary("value.test", {"canary-by-header": "X-Canary", "canary-by-header-value": "v2"}),
        main("pattern.test"),
        canary("pattern.test", {"canary-by-header": "X-User", "canary-by-header-pattern": "^(alice|bob)$"}),
        main("cookie.test"),
        canary("cookie.test", {"canary-by-cookie": "canary"}),
        main("order.test"),
        canary("order.test", {"canary-by-header": "X-Canary", "canary-by-cookie": "canary", "canary-weight": "100"}),
        main("weight.test"),
        canary("weight.test", {"canary-weight": "30"}),
        main("total.test"),
        canary("total.test", {"canary-weight": "500", "canary-weight-total": "1000"}),
        main("nothing.test"),
        canary("nothing.test", {}),
        canary("alone.test", {"canary-weight": "100"}),
        main("path.test", None, path("/", MAIN), path("/shop", OTHER)),
        canary("path.test", {"canary-weight": "100"}, path("/shop", CANARY), path("/shop/new", CANARY)),
        main("two.test"),
        canary("two.test", {"canary-weight": "100"}),
        canary("two.test", {"canary-weight": "100"}, path("/", OTHER), created="2025-01-01T00:00:00Z", name="late"),
        main("guarded.test", {"auth-url": "http://auth.test"}),
        canary("guarded.test", {"canary-weight": "100"}),
        main("open.test"),
        canary("open.test", {"canary-weight": "100", "auth-url": "http://auth.test"}),
        main("missing.test"),
        canary("missing.test", {"canary-weight": "100"}, path("/", "nobody")),
        main("sticky.test", STICKY),
        canary("sticky.test", {"canary-by-header": "X-Canary"}),
        main("legacy.test", STICKY),
        canary("legacy.test", {"canary-by-header": "X-Canary", "affinity-canary-behavior": "legacy"}),
    )


@pytest.fixture(scope="module")
def site(module_folder, echoes):
    write_site(module_folder, echoes)
    return module_folder


@pytest.fixture(scope="module")
def program(site):
    with portico.Portico(site) as running:
        yield running


def curl(program, host, *more, where="/"):
    """The pod that answers, or the status where none does; and the cookie that is set."""
    port = program.http[1]
    command = ["curl", "-sS", "-i", "--max-time", str(portico.PATIENCE), "--resolve", f"{host}:{port}:127.0.0.1", *more]
    result = subprocess.run(
        [*command, f"http://{host}:{port}{where}"], capture_output=True, text=True, timeout=portico.COMMAND_SECONDS, check=True
    )
    head, _, body = result.stdout.replace("\r\n", "\n").partition("\n\n")
    status = int(head.split()[1])
    cookie = re.search(r"(?im)^set-cookie: ([^;]+);", head)
    return json.loads(body)["pod"] if status == 200 else status, cookie and cookie[1]


def pod(program, host, *more, where="/"):
    return curl(program, host, *more, where=where)[0]


@pytest.mark.parametrize(
    ("host", "arguments", "expected"),
    [
        ("header.test", ["-H", "X-Canary: always"], CANARY),
        ("header.test", ["-H", "x-canary: always"], CANARY),
        ("header.test", ["-H", "X-Canary: never"], MAIN),
        ("header.test", ["-H", "X-Canary: perhaps"], MAIN),
        ("header.test", [], MAIN),
        ("value.test", ["-H", "X-Canary: v2"], CANARY),
        ("value.test", ["-H", "X-Canary: always"], MAIN),
        ("pattern.test", ["-H", "X-User: bob"], CANARY),
        ("pattern.test", ["-H", "X-User: bobby"], MAIN),
        ("cookie.test", ["-b", "theme=dark; canary=always"], CANARY),
        ("cookie.test", ["-b", "canary=never"], MAIN),
        ("cookie.test", ["-b", "canary=yes"], MAIN),
        ("order.test", ["-H", "X-Canary: never", "-b", "canary=always"], MAIN),
        ("order.test", ["-H", "X-Canary: perhaps", "-b", "canary=never"], MAIN),
        ("order.test", [], CANARY),
        ("nothing.test", [], MAIN),
    ],
)
def test_a_request_goes_where_header_and_cookie_say(program, host, arguments, expected):
    assert pod(program, host, *arguments) == expected


def test_clients_of_http2_are_led_alike(program):
    more = ["--http2-prior-knowledge", "-H", "X-Canary: always"]
    assert pod(program, "header.test", *more) == CANARY


@pytest.mark.parametrize(("host", "share"), [("weight.test", 0.3), ("total.test", 0.5)])
def test_the_weight_is_a_share_of_all_requests(program, host, share):
    count = 1000
    with wire.Client(program.http) as client:
        pods = [client.ask(wire.request(host)).json()["pod"] for _ in range(count)]
    assert set(pods) == {MAIN, CANARY}
    deviation = math.sqrt(count * share * (1 - share))
    assert abs(pods.count(CANARY) - count * share) < 5 * deviation


def test_a_canary_without_a_main_rule_serves_nothing(program):
    assert pod(program, "alone.test") == 404


def test_each_path_goes_by_its_own_rule(program):
    assert pod(program, "path.test", where="/") == MAIN
    assert pod(program, "path.test", where="/shop/1") == CANARY
    assert pod(program, "path.test", where="/shop/new") == CANARY, "the canary of /shop; there is no main rule /shop/new"


def test_the_older_of_two_canaries_counts(program):
    assert {pod(program, "two.test") for _ in range(5)} == {CANARY}


def test_what_guards_the_main_ingress_holds_for_its_canary(program):
    assert pod(program, "guarded.test") == 503


def test_a_canary_with_a_guard_that_is_not_served_gets_nothing(program):
    assert pod(program, "open.test") == MAIN


def test_a_canary_that_cannot_serve_leaves_all_to_the_main_backend(program):
    assert pod(program, "missing.test") == MAIN


def test_a_session_stays_where_it_began(program):
    always, never = ["-H", "X-Canary: always"], ["-H", "X-Canary: never"]
    where, at_canary = curl(program, "sticky.test", *always)
    assert where == CANARY
    where, at_main = curl(program, "sticky.test")
    assert where == MAIN
    assert curl(program, "sticky.test", *never, "-b", at_canary) == (CANARY, None)
    assert curl(program, "sticky.test", *always, "-b", at_main) == (MAIN, None)


def test_legacy_decides_about_each_request(program):
    where, cookie = curl(program, "legacy.test")
    assert where == MAIN
    assert pod(program, "legacy.test", "-H", "X-Canary: always", "-b", cookie) == CANARY
    assert pod(program, "legacy.test", "-b", cookie) == MAIN


def test_the_access_log_names_what_served(site, tmp_path):
    log = tmp_path / "access.log"
    with portico.Portico(site, "--access-log", "json", "--access-log-path", log) as program:
        assert pod(program, "header.test", "-H", "X-Canary: always") == CANARY
        assert pod(program, "header.test") == MAIN
        told = portico.eventually(lambda: len(lines := log.read_text().splitlines()) == 2 and [json.loads(one) for one in lines])
    assert {one["ingress"]: one["backend"] for one in told} == {
        "next-header.test": "default/b:80",
        "main-header.test": "default/a:80",
    }


def test_explain_tells_of_the_canary(site):
    told = portico.run("explain", "http://order.test/", "--manifests", site).stdout
    assert "canary       Ingress default/next-order.test, backend default/b:80: header X-Canary: always" in told
    assert "else 100 of 100 requests" in told
    told = portico.run("explain", "http://missing.test/", "--manifests", site).stdout
    assert "canary       Ingress default/next-missing.test, backend default/nobody:80: no request" in told


def test_check_finds_canaries_that_serve_nothing(site):
    told = portico.run("check", site).stdout
    assert "no other Ingress has host \"alone.test\" with Prefix path \"/\"" in told
    assert "has that of Ingress default/next-two.test already" in told
    assert "the canary serves nothing: annotation nginx.ingress.kubernetes.io/auth-url guards access" in told


def test_a_change_of_weight_loses_no_request(folder, echoes):
    for echo in echoes:
        folder.write(f"{echo.name}.yaml", *served(echo.name, echo.port))
    folder.write("main.yaml", main("roll.test"))
    with portico.Portico(folder) as program, steady_load.Load(program.http, "roll.test") as load:
        for weight, expected in ((0, {MAIN}), (50, {MAIN, CANARY}), (100, {CANARY}), (20, {MAIN, CANARY}), (0, {MAIN})):
            folder.write("canary.yaml", canary("roll.test", {"canary-weight": str(weight)}))

            def shows(expected=expected):
                with wire.Client(program.http) as client:
                    return {client.ask(wire.request("roll.test")).json()["pod"] for _ in range(60)} == expected

            program.in_effect(shows, f"weight {weight}")
            load.next(50)
        folder.remove("canary.yaml")
        load.next(50)
        load.settle()
        assert not load.failures()


def test_a_session_keeps_its_canary_when_the_weight_is_taken_back(folder, echoes):
    for echo in echoes:
        folder.write(f"{echo.name}.yaml", *served(echo.name, echo.port))
    folder.write("main.yaml", main("back.test", STICKY))
    folder.write("canary.yaml", canary("back.test", {"canary-weight": "100"}))
    with portico.Portico(folder) as program:
        where, cookie = curl(program, "back.test")
        assert where == CANARY
        folder.write("canary.yaml", canary("back.test", {"canary-weight": "0"}))
        program.in_effect(lambda: pod(program, "back.test") == MAIN)
        assert pod(program, "back.test", "-b", cookie) == CANARY
        folder.remove("canary.yaml")
        program.in_effect(lambda: pod(program, "back.test", "-b", cookie) == MAIN)
