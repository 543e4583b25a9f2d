"""Session affinity: a cookie keeps a client at one endpoint, on every replica and for as long as the endpoint is there."""

import collections
import contextlib
import datetime
import email.utils
import json
import re
import socket

import backends
import certificates
import h2_client
import portico
import pytest
import wire
from manifests import ingress, path, rule, served, service, tls_secret

SESSION = re.compile(r"(\w+)=([0-9a-f]{16}\|[0-9a-f]{16}); (.*)")
STICKY = {"affinity": "cookie"}
PERSISTENT = STICKY | {"affinity-mode": "persistent"}
COMPLETE = STICKY | {
    "session-cookie-name": "SERVERID",
    "session-cookie-path": "/a",
    "session-cookie-domain": "complete.test",
    "session-cookie-samesite": "None",
    "session-cookie-conditional-samesite-none": "true",
    "session-cookie-secure": "true",
    "session-cookie-expires": "172800",
    "session-cookie-max-age": "259200",
}
SAFARI_OF_MOJAVE = "User-Agent: Mozilla/5.0 (Macintosh; Intel Mac OS X 10_14_1) Version/12.0 Safari/605.1.15"


class Session:
    """A browser's: what an answer sets comes with the requests behind it."""

    def __init__(self, host, address, where="/", **connect):
        self.host, self.path, self.connect = host, where, connect
        self.cookie, self.attributes, self.sets = None, None, 0
        self.pod = self.ask(address)

    def ask(self, address):
        """The pod that answers."""
        lines = [f"Cookie: theme=dark; {self.cookie}"] if self.cookie else []
        answer = wire.get(address, self.host, self.path, *lines, **self.connect)
        assert answer.status == 200
        if cookies := answer.all("set-cookie"):
            (cookie,) = cookies
            name, value, self.attributes = SESSION.fullmatch(cookie).groups()
            self.cookie = f"{name}={value}"
            self.sets += 1
        return answer.json()["pod"]


def for_host(name, host, annotations, *places):
    return ingress(name, rule(host, *(places or [path("/", "web")])), annotations=annotations)


@pytest.fixture(scope="module")
def pair():
    return certificates.self_signed("tls.test")


@pytest.fixture(scope="module")
def everything(module_folder, echoes, pair, refused_port):
    module_folder.write("web.yaml", *served("web", *(echo.port for echo in echoes)))
    module_folder.write("gone.yaml", *served("gone", refused_port))
    module_folder.write("by-address.yaml", *served("by-address", *(echo.port for echo in echoes))[1:])
    module_folder.write("client-ip.yaml", service("by-address", sessionAffinity="ClientIP"))
    module_folder.write("secret.yaml", tls_secret("pair", pair))
    module_folder.write(
        "ingresses.yaml",
        for_host("sticky", "sticky.test", STICKY, path("/", "web"), path("/shop", "web")),
        for_host("beside", "sticky.test", {}, path("/plain", "web")),
        for_host("persistent", "persistent.test", PERSISTENT),
        for_host("ordered", "ordered.test", STICKY | {"upstream-hash-by": "$remote_addr", "load-balance": "ewma"}),
        for_host("complete", "complete.test", COMPLETE),
        for_host("gone", "gone.test", STICKY, path("/", "gone")),
        for_host("by-address", "address.test", {}, path("/", "by-address")),
        ingress(
            "tls",
            rule("tls.test", path("/", "web")),
            annotations=STICKY | {"ssl-redirect": "false"},
            tls={"pair": ["tls.test"]},
        ),
    )
    return module_folder


@pytest.fixture(scope="module")
def program(everything):
    with portico.Portico(everything) as running:
        yield running


@pytest.mark.parametrize("host", ["sticky.test", "persistent.test"])
def test_a_session_stays_where_it_began(program, host):
    sessions = [Session(host, program.http) for _ in range(40)]
    assert {session.pod for session in sessions} == {"a", "b", "c"}
    for session in sessions:
        assert [session.ask(program.http) for _ in range(5)] == [session.pod] * 5
        assert session.sets == 1


def test_the_cookie_says_path_and_httponly_unless_more_is_asked(program):
    assert Session("sticky.test", program.http).attributes == "Path=/; HttpOnly"
    assert Session("sticky.test", program.http, where="/shop/1").attributes == "Path=/shop; HttpOnly"


def test_the_cookie_says_all_that_is_asked(program):
    answer = wire.get(program.http, "complete.test")
    name, _, attributes = SESSION.fullmatch(answer.field("set-cookie")).groups()
    expires, *others = attributes.split("; ")
    assert name == "SERVERID"
    assert others == ["Max-Age=259200", "Domain=complete.test", "Path=/a", "Secure", "HttpOnly", "SameSite=None"]
    date = email.utils.parsedate_to_datetime(expires.removeprefix("Expires="))
    in_two_days = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=2)
    assert abs(date - in_two_days) < datetime.timedelta(seconds=portico.PATIENCE)


def test_browsers_that_misread_samesite_none_get_none(program):
    cookie = wire.get(program.http, "complete.test", "/", SAFARI_OF_MOJAVE).field("set-cookie")
    assert cookie.endswith("; Secure; HttpOnly")


def test_the_cookie_is_secure_where_the_request_came_by_https(program, pair):
    assert Session("tls.test", program.http).attributes == "Path=/; HttpOnly"
    session = Session("tls.test", program.https, tls_context=pair.context(), tls_name="tls.test")
    assert session.attributes == "Path=/; Secure; HttpOnly"
    assert session.ask(program.https) == session.pod


def test_other_ingresses_of_the_host_set_none(program):
    answers = [wire.get(program.http, "sticky.test", "/plain") for _ in range(6)]
    assert {answer.json()["pod"] for answer in answers} == {"a", "b", "c"}
    assert not any(answer.all("set-cookie") for answer in answers)


def test_affinity_comes_before_hashing(program):
    sessions = [Session("ordered.test", program.http) for _ in range(30)]
    assert {session.pod for session in sessions} == {"a", "b", "c"}, "by their one address they would be at one"
    assert all(session.ask(program.http) == session.pod for session in sessions)


def test_clients_of_http2_stay_too(program):
    with h2_client.Client(program.http) as client:
        first = client.ask("sticky.test")
        (cookie,) = first.all("set-cookie")
        name, value, attributes = SESSION.fullmatch(cookie).groups()
        assert attributes == "Path=/; HttpOnly"
        crumbs = [("cookie", "theme=dark"), ("cookie", f"{name}={value}")]
        for _ in range(10):
            answer = client.ask("sticky.test", "/", *crumbs)
            assert json.loads(answer.body)["pod"] == json.loads(first.body)["pod"]
            assert answer.all("set-cookie") == []


@pytest.mark.parametrize("host", ["sticky.test", "persistent.test"])
def test_another_replica_honours_the_cookie(program, everything, host):
    sessions = [Session(host, program.http) for _ in range(10)]
    with portico.Portico(everything) as replica:
        for session in sessions:
            assert session.ask(replica.http) == session.pod
            assert session.sets == 1


@pytest.mark.parametrize(
    "value",
    {
        "empty": "",
        "no_bar": "0123456789abcdef",
        "another_backend": "0123456789abcdef|0123456789abcdef",
        "address": "127.0.0.1:80|{backend}",
        "long": "k" * 4000 + "|{backend}",
        "odd_bytes": "\xff\x80|{backend}",
        "path": "../../etc/passwd|{backend}",
    }.items(),
    ids=lambda item: item[0],
)
@pytest.mark.parametrize("host", ["sticky.test", "persistent.test"])
def test_made_up_cookies_lead_somewhere(program, host, value):
    backend = Session(host, program.http).cookie.split("|")[1]
    made_up = value[1].replace("{backend}", backend)
    answer = wire.get(program.http, host, "/", f"Cookie: INGRESSCOOKIE={made_up}")
    assert answer.status == 200


def test_an_error_page_sets_no_cookie(program):
    answer = wire.get(program.http, "gone.test")
    assert (answer.status, answer.all("set-cookie")) == (502, [])


def test_an_answer_that_switches_protocols_sets_the_cookie(folder):
    switch = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"
    with backends.Capture(switch) as backend:
        folder.write("all.yaml", *served("web", backend.port), for_host("up", "up.test", STICKY))
        with portico.Portico(folder) as program, wire.Client(program.http) as client:
            client.send(wire.request("up.test", "/", "Connection: Upgrade", "Upgrade: x"))
            answer = client.head()
            assert answer.status == 101
            assert SESSION.fullmatch(answer.field("set-cookie"))


# ---- endpoints come and go


def keep(folder, *echoes):
    folder.write("web.yaml", *served("web", *(echo.port for echo in echoes)))


def seen(program, host):
    """Which pods new clients come to."""
    return {wire.pod(program.http, host) for _ in range(20)}


@pytest.fixture
def moving(folder, echoes):
    """Both modes in front of the endpoints a and b."""
    keep(folder, *echoes[:2])
    folder.write("ingresses.yaml", for_host("b", "balanced.test", STICKY), for_host("p", "persistent.test", PERSISTENT))
    with portico.Portico(folder) as program:
        yield program


@pytest.mark.parametrize("host", ["balanced.test", "persistent.test"])
def test_a_session_moves_when_its_endpoint_is_gone(moving, folder, echoes, host):
    sessions = [Session(host, moving.http) for _ in range(30)]
    of_a = [session for session in sessions if session.pod == "a"]
    of_b = [session for session in sessions if session.pod == "b"]
    keep(folder, echoes[1])
    moving.in_effect(lambda: seen(moving, host) == {"b"})
    for session in of_a:
        assert [session.ask(moving.http) for _ in range(3)] == ["b"] * 3
        # A balanced key leads to somebody whoever is there; a persistent one was the endpoint's.
        assert session.sets == (2 if host == "persistent.test" else 1)
    for session in of_b:
        assert session.ask(moving.http) == "b"
        assert session.sets == 1


def test_when_endpoints_come_a_share_of_balanced_sessions_moves_and_no_persistent_one(moving, folder, echoes):
    sessions = {host: [Session(host, moving.http) for _ in range(60)] for host in ("balanced.test", "persistent.test")}
    keep(folder, *echoes)
    moving.in_effect(lambda: "c" in seen(moving, "balanced.test"))
    moved = collections.Counter()
    for host, of_host in sessions.items():
        for session in of_host:
            moved[host] += session.ask(moving.http) != session.pod
            assert session.sets == 1
    assert moved["persistent.test"] == 0
    assert 5 <= moved["balanced.test"] <= 45


@pytest.mark.parametrize("mode", ["balanced", "persistent"])
@pytest.mark.parametrize("changes", [True, False])
def test_a_session_whose_endpoint_fails_is_served_by_another(folder, mode, changes):
    annotations = STICKY | {"affinity-mode": mode, "session-cookie-change-on-failure": str(changes).lower()}
    with backends.Echo("left") as left, backends.Echo("right") as right:
        folder.write("all.yaml", *served("web", left.port, right.port), for_host("web", "web.test", annotations))
        with portico.Portico(folder) as program:
            session = Session("web.test", program.http)
            (own, other) = (left, right) if session.pod == "left" else (right, left)
            own.process.kill()
            own.process.wait()
            assert session.ask(program.http) == other.name
            assert session.sets == (2 if changes else 1)
            assert session.ask(program.http) == other.name


@pytest.mark.parametrize("mode", ["balanced", "persistent"])
def test_a_session_returns_once_its_endpoint_does(folder, mode):
    with contextlib.ExitStack() as stack:
        pods = {name: stack.enter_context(backends.Echo(name)) for name in ("left", "right")}
        ports = [pod.port for pod in pods.values()]
        folder.write("all.yaml", *served("web", *ports), for_host("web", "web.test", STICKY | {"affinity-mode": mode}))
        program = stack.enter_context(portico.Portico(folder))
        session = Session("web.test", program.http)
        own = pods[session.pod]
        own.process.kill()
        own.process.wait()
        for _ in range(5):  # it is ejected meanwhile
            assert session.ask(program.http) != own.name
        stack.enter_context(backends.Echo(own.name, listen=f"127.0.0.1:{own.port}"))
        portico.eventually(lambda: session.ask(program.http) == own.name, what="its return")
        assert session.sets == 1


# ---- the Service's own


def pod_for(address, source):
    with wire.Client(address) as client:
        client.socket.close()
        client.socket = socket.create_connection(address, wire.SECONDS, source_address=(source, 0))
        return client.ask(wire.request("address.test")).json()["pod"]


def test_a_service_of_client_addresses_keeps_each_at_one_endpoint(program):
    pods = {f"127.0.0.{number}": pod_for(program.http, f"127.0.0.{number}") for number in range(2, 42)}
    assert set(pods.values()) == {"a", "b", "c"}
    for source, pod in pods.items():
        assert [pod_for(program.http, source) for _ in range(3)] == [pod] * 3
    assert wire.get(program.http, "address.test").all("set-cookie") == []
