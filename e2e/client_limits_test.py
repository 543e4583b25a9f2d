"""What the ConfigMap says of clients' connections, changed while the program runs: as a client sees it."""

import itertools

import h2.settings
import h2_client
import manifests
import portico
import pytest
import wire
from certificates import anything

# Far below the built-in minute, which whoever waits for the second that a test sets would see instead.
SECONDS = 40


class Site:
    def __init__(self, folder, program):
        self.folder = folder
        self.program = program
        self.http = program.http
        self.https = program.https
        self._marks = itertools.count(1)

    def set(self, **keys):
        """Writes the ConfigMap, different from the last one, and waits until it is in effect."""
        before = self.program.metric("portico_config_generation")
        keys["hsts_max_age"] = str(next(self._marks))
        self.folder.write("settings.yaml", manifests.config_map("settings", "ingress", **keys))
        portico.eventually(lambda: self.program.metric("portico_config_generation") > before, seconds=60, what="the ConfigMap")

    def http1(self):
        return wire.Client(self.http, seconds=SECONDS)

    def http2(self, **more):
        return h2_client.Client(self.https if more else self.http, seconds=SECONDS, **more)


@pytest.fixture(scope="module")
def site(module_folder, echo):
    module_folder.write("echo.yaml", *manifests.served("echo", echo.port))
    module_folder.write("ingress.yaml", manifests.ingress("echo", manifests.rule("echo.test", manifests.path("/", "echo"))))
    with portico.Portico(module_folder, "--configmap", "ingress/settings", "--workers", "1") as program:
        yield Site(module_folder, program)


def asked(client):
    """The Connection field of an answer."""
    answer = client.ask(wire.request("echo.test"))
    assert answer.status == 200
    return answer.field("Connection")


def ends_in_peace(client):
    """An HTTP/2 connection: it is closed, behind a GOAWAY that complains of nothing."""
    return client.ended() and client.goaway[0] == 0


def test_no_keep_alive_is_said_and_done(site):
    site.set()
    with site.http1() as client:
        assert asked(client) is None
        site.set(keep_alive="0")
        assert asked(client) == "close" and client.ended()
    with site.http1() as client:
        assert asked(client) == "close" and client.ended()
    with site.http2() as client:
        assert client.ask("echo.test").status == 200
        assert ends_in_peace(client)
    site.set()
    with site.http1() as client:
        assert asked(client) is None and asked(client) is None


def test_a_connection_is_kept_for_its_time(site):
    site.set(keep_alive="1")
    with site.http1() as client:
        assert asked(client) is None and client.ended()
    with site.http2() as client:
        assert client.ask("echo.test").status == 200
        assert ends_in_peace(client)


def test_a_connection_brings_so_many_requests(site):
    site.set(keep_alive_requests="3")
    with site.http1() as client:
        assert [asked(client) for _ in range(3)] == [None, None, "close"]
        assert client.ended()
    with site.http2() as client:
        assert [client.ask("echo.test").status for _ in range(3)] == [200, 200, 200]
        assert ends_in_peace(client)
    site.set()
    with site.http1() as client:
        assert [asked(client) for _ in range(4)] == [None] * 4


def test_a_head_has_its_time(site):
    site.set(client_header_timeout="1")
    with site.http1() as client:
        assert client.send("GET / HTTP/1.1\r\nHost: echo.test\r\n").response().status == 408
        assert client.ended()


def test_a_body_has_its_time(site):
    site.set(client_body_timeout="1")
    with site.http1() as client:
        begun = wire.request("echo.test", "/", "Content-Length: 100", method="POST") + b"x"
        assert client.send(begun).response().status == 408
        assert client.ended()
    with site.http2() as client:
        number = client.open("echo.test", method="POST", end=False)
        client.send(number, b"x")
        assert client.response(number).status == 408


def test_http2_has_so_many_streams(site):
    def announced():
        with site.http2() as client:
            return client.until(lambda: client.settings)[h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS]

    site.set(http2_max_concurrent_streams="7")
    assert announced() == 7
    site.set()
    assert announced() == 128


def chosen(site):
    """What ALPN makes of a client that takes both."""
    context = anything()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with wire.Client(site.https, tls_name="echo.test", tls_context=context) as client:
        return client.socket.selected_alpn_protocol()


def test_http2_can_be_turned_off_and_on(site):
    site.set()
    assert chosen(site) == "h2"
    with site.http2() as plain, site.http2(tls_context=anything(), tls_name="echo.test") as secure:
        site.set(use_http2="false")
        assert plain.ask("echo.test").status == 200
        assert secure.ask("echo.test").status == 200
    assert chosen(site) == "http/1.1"
    with site.http1() as client:
        answer = client.ask("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        assert answer.version == "HTTP/1.1" and 400 <= answer.status < 600 and client.ended()
    with site.http1() as client:
        assert asked(client) is None
    site.set()
    assert chosen(site) == "h2"
    with site.http2() as client:
        assert client.ask("echo.test").status == 200


def test_what_only_a_flag_sets_is_told(site):
    site.set(max_worker_connections="65536")
    assert "--max-connections" in site.program.wait_for_log(r"data\.max-worker-connections")
