"""ssl-passthrough: TLS connections go to the backend of the host's "/" unopened, by their server name."""

import contextlib
import json
import shutil
import socket
import ssl
import subprocess
import threading

import certificates
import portico
import pytest
import wire
from backends import end_listening
from manifests import config_map, ingress, path, rule, served, tls_secret

OURS = certificates.self_signed("secret.test")


class TlsEcho:
    """A backend that ends TLS itself: says its name, then echoes to the end, and then says how much came."""

    def __init__(self, name, pair=OURS):
        self.name = name.encode()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with certificates_in_files(pair) as files:
            self._context.load_cert_chain(*files)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                accepted, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(accepted,), daemon=True).start()

    def _serve(self, accepted):
        with contextlib.suppress(OSError), self._context.wrap_socket(accepted, server_side=True) as connection:
            connection.sendall(self.name + b"\n")
            while data := connection.recv(1 << 16):
                connection.sendall(data)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        end_listening(self._listener)


@contextlib.contextmanager
def certificates_in_files(pair):
    import pathlib
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        files = [pathlib.Path(folder) / name for name in ("tls.crt", "tls.key")]
        files[0].write_text(pair.certificate)
        files[1].write_text(pair.key)
        yield files


@pytest.fixture(scope="module")
def backends():
    with TlsEcho("one") as one, TlsEcho("two") as two:
        yield one, two


@pytest.fixture(scope="module")
def site(module_folder, backends, echo, refused_port):
    dead = refused_port
    module_folder.write("services.yaml", *served("tls", *(backend.port for backend in backends)), *served("echo", echo.port))
    module_folder.write("half.yaml", *served("half", dead, backends[0].port))
    module_folder.write("dead.yaml", *served("dead", dead))
    asks = {"ssl-passthrough": "true"}
    for name, service in {"secret": "tls", "half": "half", "dead": "dead"}.items():
        rules = rule(f"{name}.test", path("/", service))
        module_folder.write(f"{name}-ingress.yaml", ingress(name, rules, annotations=asks))
    module_folder.write("opened-secret.yaml", tls_secret("opened", certificates.self_signed("opened.test")))
    rules = rule("opened.test", path("/", "echo"))
    return module_folder.write("opened.yaml", ingress("opened", rules, tls={"opened": ["opened.test"]}))


@pytest.fixture(scope="module")
def program(site):
    with portico.Portico(site, "--enable-ssl-passthrough") as program:
        yield program


def connect(program, name="secret.test", **settings):
    plain = socket.create_connection(program.https, timeout=wire.SECONDS)
    return OURS.context(check_hostname=False, **settings).wrap_socket(plain, server_hostname=name)


def read_to_end(connection):
    data = b""
    while piece := connection.recv(1 << 16):
        data += piece
    return data


def test_the_backend_itself_shakes_hands_and_takes_turns(program):
    greetings = set()
    for _ in range(8):
        with connect(program) as client:
            assert client.getpeercert()["subject"] == ((("commonName", "secret.test"),),)
            greetings.add(client.recv(100))
    assert greetings == {b"one\n", b"two\n"}


def test_bytes_pass_both_ways_whatever_their_number(program):
    data = bytes(range(256)) * 4096 * 4  # 4 MiB
    with connect(program) as client:
        sender = threading.Thread(target=client.sendall, args=(data,))
        assert client.recv(4) in (b"one\n", b"two\n")
        sender.start()
        received = b""
        while len(received) < len(data):
            received += client.recv(1 << 16)
        sender.join(portico.PATIENCE)
    assert received == data


def test_a_hello_may_come_byte_by_byte_and_in_small_records(program):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = OURS.context(check_hostname=False).wrap_bio(incoming, outgoing, server_hostname="secret.test")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    record = outgoing.read()
    hello = record[5:]
    pieces = [record[:3] + len(hello[i : i + 40]).to_bytes(2, "big") + hello[i : i + 40] for i in range(0, len(hello), 40)]
    with socket.create_connection(program.https, timeout=wire.SECONDS) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"".join(pieces):
            client.sendall(bytes([byte]))
        incoming.write(client.recv(1 << 16))
        with contextlib.suppress(ssl.SSLWantReadError):
            tls.do_handshake()
        assert tls.version()


def test_other_hosts_are_opened_here_as_ever(program):
    answer = wire.get(program.https, "opened.test", tls_name="opened.test", tls_context=certificates.anything())
    assert answer.status == 200 and answer.json()["headers"]["X-Forwarded-Proto"] == ["https"] or answer.status == 200


def test_a_connection_without_a_name_is_opened_here(program):
    with socket.create_connection(program.https, timeout=wire.SECONDS) as plain:
        with certificates.anything().wrap_socket(plain) as client:
            assert client.version()


def test_bytes_that_are_no_hello_are_refused_as_ever(program):
    with wire.Client(program.https) as client:
        client.send("GET / HTTP/1.1\r\nHost: secret.test\r\n\r\n")
        client.rest()


def test_another_endpoint_is_tried_where_one_can_not_be_reached(program):
    for _ in range(4):
        with connect(program, "half.test") as client:
            assert client.recv(100) == b"one\n"


def ejected(program):
    return program.metric("portico_endpoints_ejected")


def test_an_endpoint_that_can_not_be_reached_is_left_alone(site):
    with portico.Portico(site, "--enable-ssl-passthrough") as program:

        def greeted():
            with connect(program, "half.test") as client:
                return client.recv(100) == b"one\n"

        portico.eventually(lambda: greeted() and ejected(program) >= 1, what="its ejection")
        assert all(greeted() for _ in range(8))
        assert program.metric("portico_endpoint_ejections_total") >= 1


def client_hello():
    outgoing = ssl.MemoryBIO()
    tls = OURS.context(check_hostname=False).wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="secret.test")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


def test_a_hello_that_its_record_goes_on_behind_meets_no_backend(program):
    hello = client_hello()
    unended = hello[:3] + (len(hello) - 4).to_bytes(2, "big") + hello[5:]  # says one byte more
    with wire.Client(program.https) as client:
        client.send(unended)
        client.rest()  # a backend would wait for that byte, and this with it


# A client can make any server fall silent or hang up: that is not held against an endpoint.
def test_an_endpoint_that_accepts_and_says_nothing_stays(folder, backends):
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=64)) for _ in range(2)]
        folder.write("services.yaml", *served("tls", *(server.getsockname()[1] for server in silent)))
        asks = {"ssl-passthrough": "true", "proxy-connect-timeout": "1"}
        folder.write("ingress.yaml", ingress("secret", rule("secret.test", path("/", "tls")), annotations=asks))
        folder.write("settings.yaml", config_map("settings", proxy_stream_timeout="3s"))
        arguments = ("--enable-ssl-passthrough", "--configmap", "default/settings")
        program = stack.enter_context(portico.Portico(folder, *arguments))
        clients = [stack.enter_context(wire.Client(program.https)) for _ in range(20)]
        for client in clients:
            client.send(client_hello())
        for client in clients:
            with contextlib.suppress(OSError):
                client.rest()  # closed as idle
        assert ejected(program) == 0


def test_a_client_stays_with_an_endpoint_where_its_address_is_hashed(folder, backends):
    folder.write("services.yaml", *served("tls", *(backend.port for backend in backends)))
    asks = {"ssl-passthrough": "true", "upstream-hash-by": "$remote_addr"}
    folder.write("ingress.yaml", ingress("secret", rule("secret.test", path("/", "tls")), annotations=asks))
    with portico.Portico(folder, "--enable-ssl-passthrough") as program:
        greetings = set()
        for _ in range(12):
            with connect(program) as client:
                greetings.add(client.recv(100))
        assert len(greetings) == 1


def test_where_none_can_be_reached_the_connection_is_closed_and_counted(program):
    name = 'portico_tls_passthrough_total{outcome="unreached"}'
    before = program.metrics()[name]
    with pytest.raises((ssl.SSLError, OSError)):
        connect(program, "dead.test")
    portico.eventually(lambda: program.metrics()[name] == before + 1, what="the count")


def test_curl_meets_the_backends_certificate(program, tmp_path):
    if shutil.which("curl") is None:
        pytest.skip("no curl")
    authority = tmp_path / "ca.crt"
    authority.write_text(OURS.certificate)
    host, port = program.https
    command = ["curl", "-sS", "--no-buffer", "--max-time", str(portico.PATIENCE), "--http0.9", "--cacert", authority]
    command += ["--resolve", f"secret.test:{port}:{host}", f"https://secret.test:{port}/"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as curl:
        assert curl.stdout.readline() in ("one\n", "two\n")
        curl.kill()


def test_a_silent_connection_is_closed(site):
    site.write("settings.yaml", config_map("settings", proxy_stream_timeout="1s"))
    with portico.Portico(site, "--enable-ssl-passthrough", "--configmap", "default/settings") as program:

        def greeted():  # the second counts while the handshake is under way, too
            client = connect(program)
            return client.recv(4) and client

        with portico.eventually(greeted) as client, contextlib.suppress(OSError):
            assert not client.recv(1)


def test_an_open_one_outlives_changes_and_is_waited_for_by_a_drain(site, tmp_path):
    log = tmp_path / "access.log"
    with portico.Portico(site, "--enable-ssl-passthrough", "--access-log", "json", "--access-log-path", log) as program:
        with connect(program) as client:
            assert client.recv(4)
            site.write("late.yaml", ingress("late", rule("late.test", path("/", "echo"))))
            portico.eventually(lambda: wire.get(program.http, "late.test").status == 200, what="the change")
            program.signal(15)
            program.wait_for_log(r"stopping")
            client.sendall(b"still there")
            assert client.recv(100) == b"still there"
        assert program.wait() == 0
    entry = next(json.loads(line) for line in log.read_text().splitlines() if "secret.test" in line)
    assert (entry["scheme"], entry["status"], entry["backend"]) == ("tls", 200, "default/tls:80")
    assert entry["request_bytes"] > 0 and entry["response_bytes"] > 0


def test_without_the_flag_connections_are_opened_here_and_that_is_told(site):
    with portico.Portico(site) as program:
        program.wait_for_log(r"--enable-ssl-passthrough")
        with pytest.raises(ssl.SSLError):
            connect(program)


def test_a_proxy_header_comes_before_the_hello(site):
    site.write("settings.yaml", config_map("settings", use_proxy_protocol="true", proxy_real_ip_cidr="127.0.0.1"))
    with portico.Portico(site, "--enable-ssl-passthrough", "--configmap", "default/settings") as program:
        with socket.create_connection(program.https, timeout=wire.SECONDS) as plain:
            plain.sendall(b"PROXY TCP4 203.0.113.7 192.0.2.1 51234 443\r\n")
            with OURS.context(check_hostname=False).wrap_socket(plain, server_hostname="secret.test") as client:
                assert client.recv(100) in (b"one\n", b"two\n")
