"""Endpoints that are asked whether they are well: those that are not get nothing until they are, whatever requests come."""

import contextlib
import http.server
import subprocess
import threading

import certificates
import faults
import portico
import pytest
import wire
from manifests import endpoint_slice, ingress, path, rule, served, service
from upstream_servers import H2Backend, TlsTeller, server_context

HOST = "site.test"
# A check may take as long: a busy machine's are late now and then, but not four in a row.
INTERVAL = "0.5"
FAST = {"health-check-interval": INTERVAL, "health-check-unhealthy-after": "4", "health-check-healthy-after": "2"}
HTTP = FAST | {"health-check": "http", "health-check-path": "/healthz"}
OFF = {"outlier-ejection": "off"}


class App:
    """Answers its name; its /healthz with `health`, a status."""

    def __init__(self, name):
        self.health = 200
        self.checks = []  # heads of requests for /healthz
        self.requests = 0
        app = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                is_check = self.path == "/healthz"
                if is_check:
                    app.checks.append(self.headers)
                else:
                    app.requests += 1
                self.send_response(app.health if is_check else 200)
                self.send_header("Content-Length", str(len(name)))
                self.end_headers()
                self.wfile.write(name.encode())

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


class GrpcServer:
    """interop/health: a real server, whose statuses a test sets."""

    def __init__(self, binary, *flags):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "bufsize": 1}
        self._process = subprocess.Popen([binary, *flags], **pipes)
        self.port = int(self._process.stdout.readline().rsplit(":", 1)[1])

    def set(self, status, of="-"):
        self._process.stdin.write(f"{of} {status}\n")
        assert self._process.stdout.readline() == "set\n"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()


@pytest.fixture
def apps():
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(App(name)) for name in "abc"]


def put(folder, ports, annotations):
    folder.write("site.yaml", *served("site", *ports), ingress("site", rule(HOST, path("/", "site")), annotations=annotations))
    return folder


@contextlib.contextmanager
def serving(folder, ports, annotations):
    with portico.Portico(put(folder, ports, annotations)) as program:
        yield program


def ports_of(apps):
    return [app.port for app in apps]


def statuses(program, count):
    return [wire.get(program.http, HOST).status for _ in range(count)]


def wait_until_ill(program, port, reason=""):
    program.wait_for_log(rf"info health check of endpoint 127\.0\.0\.1:{port} of default/site:80 fails: .*{reason}")


def wait_until_well(program, port):
    program.wait_for_log(rf"info health check of endpoint 127\.0\.0\.1:{port} of default/site:80 passes again")


def passed(program):
    name = 'portico_health_checks_total{namespace="default",service="site",port="80",result="passed"}'
    return program.metrics().get(name, 0)


def test_an_endpoint_whose_checks_fail_gets_nothing_until_they_pass(folder, apps):
    *_, sick = apps
    with serving(folder, ports_of(apps), HTTP) as program:
        assert statuses(program, 30) == [200] * 30
        assert sick.requests > 0
        sick.health = 503
        wait_until_ill(program, sick.port, "status 503")
        before = sick.requests
        assert statuses(program, 60) == [200] * 60
        assert sick.requests == before
        assert program.metric("portico_endpoints_unhealthy") == 1
        assert program.metric("portico_endpoints_ejected") == 0
        told = program.admin(f"/explain?url=http://{HOST}/")[1]
        assert f"checks       http /healthz every {INTERVAL} s" in told
        assert f"unhealthy    127.0.0.1:{sick.port} (status 503)" in told
        sick.health = 200
        wait_until_well(program, sick.port)
        assert program.metric("portico_endpoints_unhealthy") == 0
        assert statuses(program, 30) == [200] * 30
        assert sick.requests > before
        assert sick.checks[0]["User-Agent"].startswith("portico-health-check/")
        assert sick.checks[0]["Host"] == f"127.0.0.1:{sick.port}"
        assert sick.checks[0]["X-Forwarded-For"] is None


def test_checks_are_heeded_where_outliers_are_not_ejected(folder, apps):
    *_, sick = apps
    sick.health = 500
    with serving(folder, ports_of(apps), HTTP | OFF) as program:
        wait_until_ill(program, sick.port, "status 500")
        before = sick.requests
        assert statuses(program, 30) == [200] * 30
        assert sick.requests == before


def test_where_all_are_ill_all_are_tried(folder, apps):
    for app in apps:
        app.health = 503
    with serving(folder, ports_of(apps), HTTP) as program:
        for app in apps:
            wait_until_ill(program, app.port)
        assert statuses(program, 30) == [200] * 30
        assert all(app.requests > 0 for app in apps)


def test_a_single_endpoint_is_tried_though_it_is_ill(folder, apps):
    app = apps[0]
    app.health = 503
    with serving(folder, [app.port], HTTP) as program:
        wait_until_ill(program, app.port)
        assert statuses(program, 3) == [200] * 3


def test_checks_follow_the_annotations(folder, apps):
    *_, sick = apps
    sick.health = 503
    with serving(folder, ports_of(apps), HTTP) as program:
        wait_until_ill(program, sick.port)
        put(folder, ports_of(apps), HTTP | {"health-check-statuses": "200-299,503"})
        wait_until_well(program, sick.port)
        put(folder, ports_of(apps), HTTP)
        portico.eventually(lambda: program.metric("portico_endpoints_unhealthy") == 1, what="the old question")
        put(folder, ports_of(apps), {})
        portico.eventually(lambda: "portico_endpoints_unhealthy{" not in program.admin("/metrics")[1], what="the end of checks")
        before = sick.requests
        portico.eventually(lambda: statuses(program, 3) == [200] * 3 and sick.requests > before, what="its requests")


def test_a_service_may_ask_for_checks(folder, apps):
    *_, sick = apps
    sick.health = 503
    slices = [endpoint_slice("site", app.port, number) for number, app in enumerate(apps, 1)]
    wishes = {f"portico.dev/{name}": value for name, value in HTTP.items()}
    folder.write("site.yaml", service("site", annotations=wishes), *slices, ingress("site", rule(HOST, path("/", "site"))))
    with portico.Portico(folder) as program:
        wait_until_ill(program, sick.port, "status 503")


def test_a_tcp_check_finds_a_listener_that_is_gone_and_its_return(folder, apps):
    with faults.Replica("gone") as replica:
        wishes = FAST | OFF | {"health-check": "tcp"}
        with serving(folder, [apps[0].port, replica.port], wishes) as program:
            portico.eventually(lambda: passed(program) > 1, what="good checks")
            replica.kill()
            wait_until_ill(program, replica.port, "the endpoint refused the connection")
            assert statuses(program, 20) == [200] * 20
            replica.come_back()
            wait_until_well(program, replica.port)


def test_a_process_that_hangs_is_found_by_the_time(folder, apps):
    with faults.Replica("frozen") as replica:
        with serving(folder, [apps[0].port, replica.port], HTTP | {"health-check-path": "/"}) as program:
            portico.eventually(lambda: passed(program) > 1, what="good checks")
            replica.freeze()
            wait_until_ill(program, replica.port, f"no answer within {INTERVAL} s")
            assert statuses(program, 20) == [200] * 20
            replica.thaw()
            wait_until_well(program, replica.port)


def test_another_port_may_be_asked(folder, apps):
    app, other, admin = apps
    admin.health = 503
    with serving(folder, [app.port, other.port], HTTP | {"health-check-port": str(admin.port)}) as program:
        wait_until_ill(program, app.port, "status 503")
        wait_until_ill(program, other.port, "status 503")
        assert app.checks == other.checks == []
        assert {check["Host"] for check in admin.checks} == {f"127.0.0.1:{admin.port}"}


@pytest.mark.parametrize("kind", ["http", "tcp"])
def test_tls_is_spoken_where_the_backend_is_talked_to_by_tls(folder, apps, kind):
    with TlsTeller(server_context(certificates.self_signed("site.test"))) as backend:
        wishes = FAST | {"health-check": kind, "backend-protocol": "HTTPS"}
        with serving(folder, [backend.port, apps[0].port], wishes) as program:
            wait_until_ill(program, apps[0].port, "the TLS handshake with the endpoint failed")
            portico.eventually(lambda: passed(program) > 1, what="good checks")
            assert program.metric("portico_endpoints_unhealthy") == 1


def test_http_2_is_spoken_where_the_backend_speaks_it(folder):
    health = [200]

    def answer(request):
        return (health[0] if request.field(":path") == "/healthz" else 200, [], b"ok", None)

    with H2Backend(answer) as backend, H2Backend(answer) as other:
        with serving(folder, [backend.port, other.port], HTTP | {"backend-protocol": "GRPC"}) as program:
            portico.eventually(lambda: passed(program) > 1, what="good checks")
            checks = [request for request in backend.requests + other.requests if request.field(":path") == "/healthz"]
            assert checks[0].field("user-agent").startswith("portico-health-check/")
            assert checks[0].field("connection") is None
            health[0] = 404
            wait_until_ill(program, backend.port, "status 404")
            wait_until_ill(program, other.port, "status 404")
            health[0] = 200
            wait_until_well(program, backend.port)


GRPC = FAST | {"health-check": "grpc", "backend-protocol": "GRPC"}


def test_a_grpc_server_says_how_it_is(folder, go_programs_built):
    with GrpcServer(go_programs_built["health"]) as well, GrpcServer(go_programs_built["health"]) as sick:
        with serving(folder, [well.port, sick.port], GRPC) as program:
            portico.eventually(lambda: passed(program) > 1, what="good checks")
            sick.set("NOT_SERVING")
            wait_until_ill(program, sick.port, "it says NOT_SERVING")
            assert program.metric("portico_endpoints_unhealthy") == 1
            sick.set("SERVING")
            wait_until_well(program, sick.port)


def test_a_grpc_server_is_asked_about_a_service(folder, go_programs_built):
    with GrpcServer(go_programs_built["health"]) as knows, GrpcServer(go_programs_built["health"]) as does_not:
        knows.set("SERVING", of="shop.v1.Cart")
        with serving(folder, [knows.port, does_not.port], GRPC | {"health-check-grpc-service": "shop.v1.Cart"}) as program:
            wait_until_ill(program, does_not.port, 'it does not know the service "shop.v1.Cart"')
            portico.eventually(lambda: passed(program) > 1, what="good checks")
            knows.set("NOT_SERVING", of="shop.v1.Cart")
            wait_until_ill(program, knows.port, "it says NOT_SERVING")


def test_a_grpc_server_without_the_health_service_is_ill_and_the_log_says_why(folder, go_programs_built):
    with GrpcServer(go_programs_built["health"]) as well, GrpcServer(go_programs_built["health"], "-without") as silent:
        with serving(folder, [well.port, silent.port], GRPC) as program:
            wait_until_ill(program, silent.port, "it does not implement grpc.health.v1.Health")


def test_a_grpc_server_is_asked_by_tls(folder, go_programs_built, tmp_path):
    pair = certificates.self_signed("site.test")
    (tmp_path / "tls.crt").write_text(pair.certificate)
    (tmp_path / "tls.key").write_text(pair.key)
    flags = ["-tls-certificate", tmp_path / "tls.crt", "-tls-key", tmp_path / "tls.key"]
    with GrpcServer(go_programs_built["health"], *flags) as secure, GrpcServer(go_programs_built["health"]) as plain:
        with serving(folder, [secure.port, plain.port], GRPC | {"backend-protocol": "GRPCS"}) as program:
            wait_until_ill(program, plain.port)
            portico.eventually(lambda: passed(program) > 1, what="good checks")
            secure.set("NOT_SERVING")
            wait_until_ill(program, secure.port, "it says NOT_SERVING")
