"""What Portico tells of itself: the access log, metrics, its own log."""

import json
import re
import signal

import portico
import pytest
import wire
from manifests import ingress, path, rule, served

# ingress-nginx's format, field by field.
NGINX_LINE = re.compile(
    r"(?P<address>\S+) - (?P<user>\S+) \[(?P<time>\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] "
    r'"(?P<request>[^"]*)" (?P<status>\d{3}) (?P<bytes>\d+) "(?P<referer>[^"]*)" "(?P<agent>[^"]*)" '
    r"(?P<request_length>\d+) (?P<request_time>\d+\.\d{3}) \[(?P<upstream>[^\]]*)\] \[(?P<alternative>[^\]]*)\] "
    r"(?P<upstream_address>.+?) (?P<upstream_length>\S+) (?P<upstream_time>\S+) (?P<upstream_status>\S+) (?P<id>\S+)"
)


@pytest.fixture
def site(folder, echo):
    folder.write("echo.yaml", *served("echo", echo.port))
    return folder.write("ingress.yaml", ingress("echo", rule("echo.test", path("/", "echo"))))


def lines_of(file, count):
    def whole():
        text = file.read_text(errors="replace")
        return text.count("\n") >= count and text[: text.rindex("\n")].splitlines()

    return portico.eventually(whole, what=f"{count} log lines")


def test_the_json_log_has_a_line_a_request(site, tmp_path, echo):
    log = tmp_path / "access.log"
    with portico.Portico(site, "--access-log", "json", "--access-log-path", log) as program:
        wire.get(program.http, "echo.test", "/a?b=c", 'User-Agent: a "quoted" \\ agent', "X-Request-ID: abc")
        wire.get(program.http, "nobody.test", "/missing")
        # Two workers may have served them: their lines come in no order.
        by_host = {line["host"]: line for line in map(json.loads, lines_of(log, 2))}
    served_line, missing_line = by_host["echo.test"], by_host["nobody.test"]
    text = json.dumps(served_line)
    for expected in ("echo.test", "/a?b=c", "GET", "abc", f"127.0.0.1:{echo.port}", "127.0.0.1"):
        assert expected in text, f"{expected} is not in {text}"
    assert served_line["status"] == 200 and missing_line["status"] == 404
    assert 'a "quoted" \\ agent' in served_line.values()


def test_the_nginx_log_is_ingress_nginxs(site, tmp_path, echo):
    log = tmp_path / "access.log"
    with portico.Portico(site, "--access-log", "nginx", "--access-log-path", log) as program:
        wire.get(program.http, "echo.test", "/a", "User-Agent: tester", "Referer: http://x.test/", "X-Request-ID: abc")
        match = NGINX_LINE.fullmatch(lines_of(log, 1)[0])
    assert match
    found = match.groupdict()
    assert (found["address"], found["request"], found["status"]) == ("127.0.0.1", "GET /a HTTP/1.1", "200")
    assert (found["agent"], found["referer"], found["id"]) == ("tester", "http://x.test/", "abc")
    assert (found["upstream"], found["upstream_address"]) == ("default-echo-80", f"127.0.0.1:{echo.port}")
    assert found["upstream_status"] == "200"


@pytest.mark.parametrize("style", ["json", "nginx"])
def test_a_client_can_not_forge_log_lines(site, tmp_path, style):
    log = tmp_path / "access.log"
    with portico.Portico(site, "--access-log", style, "--access-log-path", log) as program:
        wire.get(program.http, "echo.test", "/%0a%22x", 'User-Agent: x" 200 "\x80\xff')
        wire.get(program.http, "echo.test", "/second")
        assert len(lines_of(log, 2)) == 2
        if style == "json":
            assert all(json.loads(line) for line in log.read_text(errors="replace").splitlines())


def test_the_log_is_off_unless_asked_for(site):
    with portico.Portico(site) as program:
        wire.get(program.http, "echo.test", "/not-to-be-logged")
    assert "/not-to-be-logged" not in program.log()


def test_sighup_reopens_the_log(site, tmp_path):
    log, moved = tmp_path / "access.log", tmp_path / "access.log.1"
    with portico.Portico(site, "--access-log", "json", "--access-log-path", log) as program:
        wire.get(program.http, "echo.test", "/before")
        lines_of(log, 1)
        log.rename(moved)
        program.signal(signal.SIGHUP)
        portico.eventually(log.exists, what="a new log file")
        wire.get(program.http, "echo.test", "/after")
        assert "/after" in lines_of(log, 1)[0]
    assert "/after" not in moved.read_text() and "/before" in moved.read_text()


def test_no_line_is_lost_when_it_ends(site, tmp_path):
    log = tmp_path / "access.log"
    with portico.Portico(site, "--access-log", "json", "--access-log-path", log) as program:
        with wire.Client(program.http) as client:
            for number in range(200):
                client.ask(wire.request("echo.test", f"/{number}"))
    assert len(log.read_text().splitlines()) == 200


def test_metrics_are_prometheus_text(plain):
    wire.get(plain.http, "echo.test")
    status, text = plain.admin("/metrics")
    assert status == 200
    sample = re.compile(r'[a-zA-Z_:][a-zA-Z0-9_:]*(\{([a-zA-Z_][a-zA-Z0-9_]*="(\\.|[^"\\])*",?)*\})? \S+')
    for line in text.splitlines():
        assert not line or line.startswith(("# HELP ", "# TYPE ")) or sample.fullmatch(line), line


def samples_naming(program, *words):
    return {name: value for name, value in program.metrics().items() if all(word in name for word in words)}


def test_requests_are_counted_by_status_class_and_backend(plain):
    def count(status_class):
        return sum(samples_naming(plain, "portico_requests_total", "echo", status_class).values())

    before = count("2xx"), count("5xx")
    for status in (200, 201, 503):
        wire.get(plain.http, "echo.test", f"/?status={status}")
    portico.eventually(lambda: (count("2xx"), count("5xx")) == (before[0] + 2, before[1] + 1), what="three requests counted")


def test_the_metrics_of_the_first_day_are_there(plain):
    wire.get(plain.http, "echo.test")
    names = {name.split("{")[0] for name in plain.metrics()}
    for name in (
        "portico_requests_total",
        "portico_request_duration_seconds_bucket",
        "portico_request_duration_seconds_sum",
        "portico_request_duration_seconds_count",
        "portico_connections_open",
        "portico_upstream_reuses_total",
        "portico_config_generation",
        "portico_config_age_seconds",
        "portico_changes_seconds_count",
    ):
        assert name in names, f"{name} is not among {sorted(names)}"


def test_the_generation_grows_with_a_change(site):
    with portico.Portico(site) as program:
        before = program.metric("portico_config_generation")
        site.write("more.yaml", ingress("more", rule("more.test", path("/", "echo"))))
        portico.eventually(lambda: program.metric("portico_config_generation") > before, what="a new generation")


def test_unknown_admin_pages_are_404(plain):
    assert plain.admin("/nothing")[0] == 404
