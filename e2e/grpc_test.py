"""gRPC: grpc-go's interop client and server with Portico between them, and calls that stay open."""

import contextlib
import signal
import socket
import subprocess
import threading

import certificates
import portico
import pytest
import wire
from manifests import endpoint_slice, ingress, path, rule, served, service, tls_secret

# All that need no cloud account, no load reports (the plain server sends none) and no second server.
CASES = [
    "empty_unary",
    "large_unary",
    "client_streaming",
    "server_streaming",
    "ping_pong",
    "empty_stream",
    "timeout_on_sleeping_server",
    "cancel_after_begin",
    "cancel_after_first_response",
    "status_code_and_message",
    "special_status_message",
    "custom_metadata",
    "unimplemented_method",
    "unimplemented_service",
    "rpc_soak",
    "channel_soak",
]
SOAK = ["--soak_iterations=20", "--soak_overall_timeout_seconds=200", "--soak_per_iteration_max_acceptable_latency_ms=30000"]
HOST = "localhost"  # what the interop client resolves and asks for
PROTOCOLS = ["GRPC", "GRPCS"]


@pytest.fixture(scope="module")
def issued():
    return certificates.issued(HOST)


@pytest.fixture(scope="module")
def pair(issued):
    return issued[1]


@pytest.fixture(scope="module")
def files(issued, pair, tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificate")
    (folder / "ca.crt").write_text(issued[0])
    (folder / "tls.crt").write_text(pair.certificate)
    (folder / "tls.key").write_text(pair.key)
    return folder


@contextlib.contextmanager
def server(program, *flags):
    """grpc-go's interop server; its port."""
    port = portico.free_port()
    process = subprocess.Popen([program, f"--port={port}", *flags], stderr=subprocess.DEVNULL)

    def listens():
        with socket.create_connection(("127.0.0.1", port), 1):
            return True

    try:
        portico.eventually(listens, what="the interop server")
        yield port
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def servers(go_programs_built, files):
    """{backend protocol: port}"""
    secure = ["--use_tls", f"--tls_cert_file={files / 'tls.crt'}", f"--tls_key_file={files / 'tls.key'}"]
    with server(go_programs_built["grpc-server"]) as plain, server(go_programs_built["grpc-server"], *secure) as tls:
        yield {"GRPC": plain, "GRPCS": tls}


def write(folder, pair, port, protocol):
    folder.write("grpc.yaml", *served("grpc", port)).write("secret.yaml", tls_secret("pair", pair))
    folder.write("none.yaml", service("none"))
    annotations = {"backend-protocol": protocol, "ssl-redirect": "false"}
    rules = [rule(HOST, path("/", "grpc")), rule("none.test", path("/", "none"))]
    folder.write("ingress.yaml", ingress("grpc", *rules, tls={"pair": [HOST]}, annotations=annotations))
    return folder


@pytest.fixture(scope="module", params=PROTOCOLS)
def program(request, module_folder, pair, servers):
    with portico.Portico(write(module_folder, pair, servers[request.param], request.param)) as running:
        yield running


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("client", ["plaintext", "TLS"])
def test_interop(program, go_programs_built, files, client, case):
    port = (program.https if client == "TLS" else program.http)[1]
    command = [go_programs_built["grpc-client"], f"--server_host={HOST}", f"--server_port={port}", f"--test_case={case}"]
    if client == "TLS":
        command += ["--use_tls", "--use_test_ca", f"--ca_file={files / 'ca.crt'}"]
    if case.endswith("soak"):
        command += SOAK
    result = subprocess.run(command, capture_output=True, text=True, timeout=portico.COMMAND_SECONDS, check=False)
    assert result.returncode == 0, result.stdout + result.stderr + program.log()


class Call:
    """interop/longcall: one call, a line in for a message, a line out for its answer."""

    def __init__(self, binary, address, *more, ca=None, authority=HOST):
        flags = [f"-tls-ca={ca}"] if ca else []
        command = [binary, *flags, "{}:{}".format(*address), authority, *more]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "bufsize": 1}
        self.process = subprocess.Popen(command, **pipes)

    def ask(self, size=100):
        self.process.stdin.write(f"{size}\n")
        return self.line()

    def line(self, seconds=portico.PATIENCE):
        watch = threading.Timer(seconds, self.process.kill)
        watch.start()
        line = self.process.stdout.readline().rstrip()
        watch.cancel()
        return line

    def finish(self):
        self.process.stdin.close()
        return self.line()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture(params=["plaintext", "TLS"])
def call(request, program, go_programs_built, files):
    """Opens a Call to the program, by plaintext and by TLS."""

    def opened(*more, **options):
        secure = {"ca": files / "ca.crt"} if request.param == "TLS" else {}
        address = program.https if secure else program.http
        return Call(go_programs_built["longcall"], address, *more, **secure, **options)

    return opened


def test_a_call_that_goes_both_ways_outlives_changes(program, call, module_folder, echo):
    with call() as running:
        assert running.ask(10) == "got 10"
        for turn in range(3):
            host = f"new{turn}.test"
            module_folder.write("more.yaml", *served("more", echo.port), ingress("more", rule(host, path("/", "more"))))
            program.in_effect(lambda host=host: served_by_http1(program, host), what=host)
            assert running.ask(100_000) == "got 100000"
        assert running.finish() == "ended OK"


def served_by_http1(program, host):
    return wire.get(program.http, host).status == 200


def test_a_call_outlives_the_endpoint_that_left(call, program, module_folder, servers, request):
    """Its backend leaves the EndpointSlice while it runs: what is open stays, what is new is refused."""
    protocol = request.node.callspec.params["program"]
    with call() as running, call("unary") as later:
        assert running.ask() == "got 100" and later.ask() == "ended OK"
        module_folder.write("grpc.yaml", service("grpc"), endpoint_slice("grpc", servers[protocol], ready=False))
        try:
            portico.eventually(lambda: later.ask().startswith("ended Unavailable"), what="no endpoint")
            assert running.ask() == "got 100"
            assert running.finish() == "ended OK"
        finally:
            module_folder.write("grpc.yaml", *served("grpc", servers[protocol]))
            program.in_effect(lambda: later.ask() == "ended OK", what="the endpoint's return")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_call_ends_in_its_own_time_while_the_program_drains(folder, pair, servers, go_programs_built, protocol):
    site = write(folder, pair, servers[protocol], protocol)
    with portico.Portico(site, "--worker-shutdown-timeout", portico.COMMAND_SECONDS) as program:
        with Call(go_programs_built["longcall"], program.http) as running:
            assert running.ask() == "got 100"
            program.signal(signal.SIGTERM)
            portico.eventually(lambda: refused(program.http), what="the end of listening")
            for _ in range(20):
                assert running.ask() == "got 100"
            assert program.process.poll() is None
            assert running.finish() == "ended OK"
        assert program.wait() == 0


def refused(address):
    try:
        socket.create_connection(address, 1).close()
        return False
    except ConnectionRefusedError:
        return True


def test_no_endpoint_is_unavailable(program, go_programs_built):
    with Call(go_programs_built["longcall"], program.http, "unary", authority="none.test") as call:
        assert call.ask().startswith("ended Unavailable")


def test_no_route_is_unimplemented(program, go_programs_built):
    with Call(go_programs_built["longcall"], program.http, "unary", authority="nobody.test") as call:
        assert call.ask().startswith("ended Unimplemented")
