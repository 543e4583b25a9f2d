"""Starting, draining, ending, and holding many connections."""

import contextlib
import os
import resource
import signal
import socket
import sys
import threading

import certificates
import manifests
import portico
import pytest
import wire
import without_ipv6
from backends import OK
from manifests import ingress, path, rule, served


@pytest.fixture
def site(folder, echo, capture):
    folder.write("services.yaml", *served("echo", echo.port), *served("capture", capture.port))
    rules = rule("echo.test", path("/", "echo")), rule("capture.test", path("/", "capture"))
    return folder.write("ingress.yaml", ingress("web", *rules))


# Seconds in which a drain ends that has nothing to wait for: less than any of the times that a fault would make it wait for,
# the shortest of which is the minute that a request's head is given.
SOON = 45


def refuses(address):
    try:
        socket.create_connection(address, timeout=portico.PATIENCE).close()
    except ConnectionError:
        return True
    return False


@contextlib.contextmanager
def drained_while_one_is_asked(program, recorded, answer=OK):
    """A client whose request is at its backend, which answers when the context ends: in the middle of the drain."""
    may_answer = threading.Event()

    def hold(connection):
        may_answer.wait(portico.PATIENCE)
        connection.send(answer)

    recorded.play(hold)
    with wire.Client(program.http, receive_buffer=4096) as client:
        client.send(wire.request("capture.test"))
        portico.eventually(recorded.received, what="the request at the backend")
        yield client
        program.signal(signal.SIGTERM)
        portico.eventually(lambda: refuses(program.http), what="closed listeners")
        may_answer.set()
        reply = client.response()
        assert reply.status == 200 and reply.field("connection").lower() == "close"
        assert reply.body == answer.split(b"\r\n\r\n", 1)[1]


def test_it_is_alive_and_ready(plain):
    assert plain.admin("/healthz")[0] == 200
    assert plain.admin("/readyz")[0] == 200


def test_it_ends_at_once_when_nothing_is_open(site):
    with portico.Portico(site) as program:
        program.signal(signal.SIGTERM)
        assert program.wait(SOON) == 0


def test_idle_connections_do_not_delay_the_end(site):
    with portico.Portico(site) as program, wire.Client(program.http) as client:
        assert client.ask(wire.request("echo.test")).status == 200
        program.signal(signal.SIGTERM)
        assert program.wait(SOON) == 0
        assert client.ended()


def test_a_connection_that_said_nothing_yet_delays_the_end_by_five_seconds(site):
    """Its request may be on its way."""
    with portico.Portico(site) as program, wire.Client(program.http) as client:
        program.signal(signal.SIGTERM)
        assert program.wait(SOON) == 0
        assert client.ended()


def test_an_open_exchange_finishes_and_its_client_is_told_to_close(site, recorded):
    with portico.Portico(site) as program:
        with drained_while_one_is_asked(program, recorded) as client:
            pass
        assert program.wait(SOON) == 0


def test_a_download_finishes(site):
    with portico.Portico(site) as program, wire.Client(program.http, receive_buffer=4096) as client:
        client.send(wire.request("echo.test", f"/?bytes={20 << 20}")).final_head()
        program.signal(signal.SIGTERM)
        portico.eventually(lambda: refuses(program.http), what="closed listeners")
        assert len(client.exactly(20 << 20)) == 20 << 20
        assert program.wait(SOON) == 0


def test_a_pipelining_client_gets_its_answer_whole_though_more_requests_are_there(site, recorded):
    """What was not read must not reset the connection under the answer."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + b"x" * 3_000_000
    with portico.Portico(site) as program:
        with drained_while_one_is_asked(program, recorded, answer) as client:
            client.send(wire.request("echo.test") * 2000)
        assert program.wait(SOON) == 0


def test_it_is_not_ready_but_serves_on_in_the_grace_period(site):
    with portico.Portico(site, "--shutdown-grace-period", "3600") as program:
        program.signal(signal.SIGTERM)
        portico.eventually(lambda: program.admin("/readyz")[0] == 503, what="not ready")
        assert wire.get(program.http, "echo.test").status == 200
        assert program.admin("/healthz")[0] == 200
        program.signal(signal.SIGTERM)  # who is told twice does not wait
        assert program.wait(SOON) == 0


def test_it_ends_with_the_grace_period(site):
    with portico.Portico(site, "--shutdown-grace-period", "1") as program:
        program.signal(signal.SIGTERM)
        assert program.wait(SOON) == 0


def test_work_that_does_not_end_is_cut_after_the_worker_timeout(site):
    with portico.Portico(site, "--worker-shutdown-timeout", "1") as program, wire.Client(program.http) as client:
        assert client.ask(wire.request("echo.test", "/", "Connection: Upgrade", "Upgrade: raw")).status == 101
        program.signal(signal.SIGTERM)
        assert program.wait(SOON) == 0
        client.rest()


def test_a_connection_that_was_accepted_by_the_kernel_is_served_in_the_drain(site):
    """Connections of the accept queue are not reset when the listeners close."""
    with portico.Portico(site) as program, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(wire.Client(program.http)) for _ in range(50)]
        for client in clients:
            client.send(wire.request("echo.test", "/?delay_ms=100"))
        program.signal(signal.SIGTERM)
        assert [client.response().status for client in clients] == [200] * 50


def test_sigint_ends_it_too(site):
    with portico.Portico(site) as program:
        program.signal(signal.SIGINT)
        assert program.wait(SOON) == 0


BAD_STARTS = {
    "an unknown flag": ["--no-such-flag"],
    "a flag without its value": ["--workers"],
    "a number that is none": ["--workers", "many"],
    "an address that is none": ["--http-address", "nonsense"],
    "a log format that is none": ["--access-log", "xml"],
    "a default backend that is none": ["--default-backend-service", "nonsense"],
}


def assert_refused(result, *words):
    assert result.returncode == 2, result
    lines = [line for line in result.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, result.stderr
    for word in words:
        assert word in lines[0], result.stderr


@pytest.mark.parametrize("name", BAD_STARTS)
def test_bad_flags_are_one_clear_line_and_exit_2(site, name):
    assert_refused(portico.run("serve", "--manifests", site, *BAD_STARTS[name]), BAD_STARTS[name][0])


def test_a_folder_that_is_not_there_is_named(tmp_path):
    assert_refused(portico.run("serve", "--manifests", tmp_path / "nowhere"), "nowhere")


def test_a_folder_that_may_not_be_read_is_named(site):
    site.path.chmod(0)
    # Root may read everything, unless these are taken away.
    powerless = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--"] if os.getuid() == 0 else []
    assert_refused(portico.run("serve", "--manifests", site, under=powerless), str(site))


def test_an_unknown_command_is_refused():
    assert portico.run("sreve").returncode == 2


@pytest.mark.parametrize("listener", ["http", "https", "admin"])
def test_a_port_in_use_is_named(site, listener):
    """Also where the other program shares its port: SO_REUSEPORT would hide it."""
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        flags = [f"--{name}-address=127.0.0.1:{port if name == listener else 0}" for name in ("http", "https", "admin")]
        assert_refused(portico.run("serve", "--manifests", site, *flags), str(port))


def test_a_second_portico_on_the_same_port_is_refused(site):
    with portico.Portico(site) as program:
        flags = [f"--http-address=127.0.0.1:{program.http[1]}", "--https-address=127.0.0.1:0", "--admin-address=127.0.0.1:0"]
        assert_refused(portico.run("serve", "--manifests", site, *flags), str(program.http[1]))


def has_ipv6_loopback():
    with contextlib.suppress(OSError), socket.create_server(("::1", 0), family=socket.AF_INET6):
        return True
    return False


def test_the_default_address_serves_both_families(site):
    with portico.Portico(site, "--http-address", "[::]:0") as program:
        port = program.http[1]
        assert wire.get(("127.0.0.1", port), "echo.test").status == 200
        if has_ipv6_loopback():
            assert wire.get(("::1", port), "echo.test").json()["headers"]["X-Real-Ip"] == ["::1"]


def test_an_ipv4_client_of_a_dual_listener_is_told_as_ipv4(site):
    with portico.Portico(site, "--http-address", "[::]:0") as program:
        assert wire.get(("127.0.0.1", program.http[1]), "echo.test").json()["headers"]["X-Real-Ip"] == ["127.0.0.1"]


@pytest.mark.skipif(not without_ipv6.works(), reason="no seccomp filter may be set here")
def test_where_ipv6_is_off_the_default_address_serves_ipv4(site):
    under = [sys.executable, without_ipv6.__file__]
    flags = ["--http-address=[::]:0", "--https-address=[::]:0", "--admin-address=[::]:0"]
    with portico.Portico(site, *flags, under=under, ready=False) as program:
        ports = {name: port for name, (_, port) in program.addresses.items()}
        program.addresses["admin"] = ("127.0.0.1", ports["admin"])
        portico.eventually(program.is_ready, what="readiness")
        assert wire.get(("127.0.0.1", ports["http"]), "echo.test").status == 200
        with wire.Client(("127.0.0.1", ports["https"]), tls_context=certificates.anything(), tls_name="echo.test") as client:
            assert client.ask(wire.request("echo.test")).status == 200


def test_5000_idle_connections_are_held(site):
    count = 5000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2 * count:
        pytest.skip(f"only {hard} descriptors may be opened here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        with portico.Portico(site) as program, contextlib.ExitStack() as stack:
            clients = [stack.enter_context(wire.Client(program.http)) for _ in range(count)]
            for client in clients[::50]:
                assert client.ask(wire.request("echo.test")).status == 200
            assert wire.get(program.http, "echo.test").status == 200
            assert clients[-1].ask(wire.request("echo.test")).status == 200
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def start_with_few_descriptors(site, count):
    """The hard limit of a child; the program raises its soft one to it."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    program = portico.Portico(site, "--workers", "1")
    resource.prlimit(program.pid, resource.RLIMIT_NOFILE, (count, limits[1]))
    return program


@pytest.mark.skipif(portico.SANITIZED, reason="the sanitizers need descriptors of their own")
def test_running_out_of_descriptors_sheds_load_and_recovers(site):
    with start_with_few_descriptors(site, 100) as program:
        clients = []
        with contextlib.suppress(OSError):
            for _ in range(300):
                clients.append(wire.Client(program.http, seconds=2))
        assert program.process.poll() is None
        for client in clients:
            client.close()
        portico.eventually(lambda: wire.get(program.http, "echo.test").status == 200, what="recovery")


@pytest.mark.skipif(portico.SANITIZED, reason="the sanitizers' own memory hides it")
def test_many_requests_leave_memory_flat(site):
    def ask(program, count):
        with wire.Client(program.http) as client:
            for _ in range(count):
                assert client.ask(wire.request("echo.test")).status == 200

    with portico.Portico(site) as program:
        ask(program, 500)
        before = program.resident_bytes()
        threads = [threading.Thread(target=ask, args=(program, 1000)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert program.resident_bytes() - before < 8 << 20


def test_no_ingress_at_all_is_ready_and_404(tmp_path):
    with portico.Portico(manifests.Folder(tmp_path / "empty")) as program:
        assert wire.get(program.http, "any.test").status == 404
