"""Behind a load balancer: who the client is, where proxies in front say so, and of whom it is believed."""

import contextlib
import ipaddress
import json
import shutil
import socket
import struct
import subprocess

import certificates
import portico
import pytest
import wire
from manifests import config_map, ingress, path, rule, served, tls_secret

CLIENT = "203.0.113.7"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def v1(source=CLIENT, destination="192.0.2.1", source_port=51234, destination_port=80):
    family = "TCP6" if ":" in source else "TCP4"
    return f"PROXY {family} {source} {destination} {source_port} {destination_port}\r\n".encode()


def v2(source=CLIENT, destination="192.0.2.1", source_port=51234, destination_port=80, command=1, tlvs=b""):
    packed = ipaddress.ip_address(source).packed + ipaddress.ip_address(destination).packed
    block = packed + struct.pack("!HH", source_port, destination_port) + tlvs
    family = 0x21 if ":" in source else 0x11
    return SIGNATURE + bytes([0x20 | command, family]) + struct.pack("!H", len(block)) + block


@pytest.fixture(scope="module")
def site(module_folder, capture):
    module_folder.write("capture.yaml", *served("capture", capture.port))
    module_folder.write("ingress.yaml", ingress("capture", rule("capture.test", path("/", "capture"))))
    module_folder.write("secret.yaml", tls_secret("secure", certificates.self_signed("secure.test")))
    rules = rule("secure.test", path("/", "capture"))
    return module_folder.write("secure.yaml", ingress("secure", rules, tls={"secure": ["secure.test"]}))


@contextlib.contextmanager
def configured(site, *flags, **settings):
    site.write("settings.yaml", config_map("settings", **settings))
    with portico.Portico(site, "--configmap", "default/settings", *flags) as program:
        yield program


def exchange(address, data):
    with wire.Client(address) as client:
        client.send(data)
        return client.response()


def fields_of(recorded):
    (_, fields), = recorded.heads()
    return {name.lower(): value for name, value in fields}


def fields_for(program, recorded, *lines, header=b"", host="capture.test"):
    assert exchange(program.http, header + wire.request(host, "/", *lines)).status == 200
    return fields_of(recorded)


# ---- the PROXY protocol


@pytest.fixture(scope="module")
def balanced(site):
    with configured(site, use_proxy_protocol="true", proxy_real_ip_cidr="127.0.0.0/8") as program:
        yield program


@pytest.mark.parametrize("header", [v1(), v2(), v2(tlvs=b"\x04\x00\x03pad")], ids=["v1", "v2", "v2 with a TLV"])
def test_a_proxy_header_names_the_client(balanced, recorded, header):
    fields = fields_for(balanced, recorded, "X-Forwarded-For: 1.2.3.4", header=header)
    assert fields["x-real-ip"] == fields["x-forwarded-for"] == CLIENT
    assert fields["x-original-forwarded-for"] == "1.2.3.4"
    assert (fields["x-forwarded-port"], fields["x-forwarded-proto"]) == ("80", "http")


def test_a_proxy_header_of_ipv6_is_one_too(balanced, recorded):
    assert fields_for(balanced, recorded, header=v2("2001:db8::7", "2001:db8::1"))["x-real-ip"] == "2001:db8::7"


def test_a_header_may_come_byte_by_byte(balanced, recorded):
    with wire.Client(balanced.http) as client:
        for byte in v1() + b"G":
            client.send(bytes([byte]))
        client.send(wire.request("capture.test")[1:])
        assert client.response().status == 200
    assert fields_of(recorded)["x-real-ip"] == CLIENT


def test_a_local_header_leaves_the_connection_its_own_address(balanced, recorded):
    assert fields_for(balanced, recorded, header=v2(command=0))["x-real-ip"] == "127.0.0.1"


def test_port_443_of_the_header_is_https(balanced, recorded):
    fields = fields_for(balanced, recorded, header=v1(destination_port=443), host="secure.test")
    assert (fields["x-forwarded-port"], fields["x-forwarded-proto"]) == ("443", "https")


def test_another_port_is_redirected_where_there_is_a_certificate(balanced):
    answer = exchange(balanced.http, v1() + wire.request("secure.test"))
    assert (answer.status, answer.field("location")) == (308, "https://secure.test")


@pytest.mark.parametrize("data", [wire.request("capture.test"), b"PROXY TCP4 x y 1 2\r\n" + wire.request("capture.test")])
def test_a_connection_without_a_header_is_closed(balanced, recorded, data):
    before = balanced.metric("portico_proxy_header_failures_total")
    with wire.Client(balanced.http) as client:
        client.send(data)
        assert client.ended()
    assert not recorded.heads()
    assert balanced.metric("portico_proxy_header_failures_total") == before + 1


@pytest.mark.parametrize("header", [v1(destination_port=443), v2(destination_port=443)], ids=["v1", "v2"])
def test_tls_begins_behind_the_header(balanced, recorded, header):
    with socket.create_connection(balanced.https, timeout=wire.SECONDS) as plain:
        plain.sendall(header)
        with certificates.anything().wrap_socket(plain, server_hostname="secure.test") as client:
            client.sendall(wire.request("secure.test", "/", "Connection: close"))
            assert client.recv(1 << 16).startswith(b"HTTP/1.1 200 ")
    fields = fields_of(recorded)
    assert fields["x-real-ip"] == CLIENT
    assert (fields["x-forwarded-port"], fields["x-forwarded-proto"]) == ("443", "https")


def test_curl_speaks_it(balanced, recorded):
    if shutil.which("curl") is None:
        pytest.skip("no curl")
    host, port = balanced.http
    url = f"http://capture.test:{port}/"
    command = ["curl", "-sS", "--haproxy-protocol", "--resolve", f"capture.test:{port}:{host}", url]
    assert subprocess.run(command, capture_output=True, text=True, check=True, timeout=portico.COMMAND_SECONDS).stdout == "ok"
    assert fields_of(recorded)["x-real-ip"] == "127.0.0.1"


def test_others_than_the_trusted_are_closed_whatever_they_say(site, recorded):
    with configured(site, use_proxy_protocol="true", proxy_real_ip_cidr="192.0.2.0/24") as program:
        for data in (v1() + wire.request("capture.test"), wire.request("capture.test")):
            with wire.Client(program.http) as client, contextlib.suppress(OSError):
                client.send(data)
                assert client.ended()
    assert not recorded.heads()


def test_a_slow_header_has_its_time(site):
    with configured(site, use_proxy_protocol="true", proxy_protocol_header_timeout="500ms") as program:
        with wire.Client(program.http) as client:
            client.send(v1()[:10])
            assert client.ended()


def test_it_is_switched_on_and_off_live(site, recorded):
    with configured(site) as program:
        assert wire.get(program.http, "capture.test").status == 200
        site.write("settings.yaml", config_map("settings", use_proxy_protocol="true"))
        program.wait_for_log(r"everybody is believed about the address of the client")

        def with_header():
            return exchange(program.http, v2() + wire.request("capture.test")).status == 200

        portico.eventually(with_header, what="PROXY headers")
        site.write("settings.yaml", config_map("settings"))
        portico.eventually(lambda: wire.get(program.http, "capture.test").status == 200, what="plain connections")


# ---- forwarded headers

CLAIMS = ["X-Forwarded-For: 198.51.100.1, 203.0.113.7, 127.0.0.2", "X-Forwarded-Proto: https", "X-Forwarded-Port: 8443"]


@pytest.fixture(scope="module")
def trusting(site):
    with configured(site, use_forwarded_headers="true", proxy_real_ip_cidr="127.0.0.0/8, ::1") as program:
        yield program


def test_trusted_proxies_are_believed_up_to_the_first_that_is_not(trusting, recorded):
    fields = fields_for(trusting, recorded, *CLAIMS, "X-Forwarded-Host: shop.example, inner")
    assert fields["x-real-ip"] == fields["x-forwarded-for"] == CLIENT
    assert fields["x-original-forwarded-for"] == "198.51.100.1, 203.0.113.7, 127.0.0.2"
    assert fields["x-forwarded-proto"] == fields["x-scheme"] == "https"
    assert (fields["x-forwarded-port"], fields["x-forwarded-host"]) == ("8443", "shop.example")
    assert fields["host"] == "capture.test"


def test_several_lines_are_one_list(trusting, recorded):
    fields = fields_for(trusting, recorded, f"X-Forwarded-For: 198.51.100.1, {CLIENT}", "X-Forwarded-For: 127.0.0.9")
    assert fields["x-real-ip"] == CLIENT


def test_nonsense_is_not_believed(trusting, recorded):
    lines = ["X-Forwarded-For: <script>", "X-Forwarded-Proto: gopher", "X-Forwarded-Port: 0", 'X-Forwarded-Host: a"b']
    fields = fields_for(trusting, recorded, *lines)
    assert fields["x-real-ip"] == "127.0.0.1"
    assert (fields["x-forwarded-proto"], fields["x-forwarded-port"]) == ("http", "80")
    assert fields["x-forwarded-host"] == "capture.test"


def test_tls_ended_in_front_is_no_redirect_loop(trusting):
    assert wire.get(trusting.http, "secure.test", "/", "X-Forwarded-Proto: https").status == 200
    answer = wire.get(trusting.http, "secure.test", "/", "X-Forwarded-Proto: http", "X-Forwarded-Host: shop.example:80")
    assert (answer.status, answer.field("location")) == (308, "https://shop.example")


def test_untrusted_peers_are_not_believed(site, recorded):
    with configured(site, use_forwarded_headers="true", proxy_real_ip_cidr="192.0.2.0/24") as program:
        fields = fields_for(program, recorded, *CLAIMS, "X-Forwarded-Host: shop.example")
        assert wire.get(program.http, "secure.test", "/", "X-Forwarded-Proto: https").status == 308
    assert fields["x-real-ip"] == fields["x-forwarded-for"] == "127.0.0.1"
    assert (fields["x-forwarded-proto"], fields["x-forwarded-port"]) == ("http", "80")
    assert fields["x-forwarded-host"] == "capture.test"


def test_a_list_that_can_not_be_read_trusts_nobody(site, recorded):
    with configured(site, use_forwarded_headers="true", proxy_real_ip_cidr="the balancer") as program:
        program.wait_for_log(r"data\.proxy-real-ip-cidr.*is not a list of networks")
        assert fields_for(program, recorded, *CLAIMS)["x-real-ip"] == "127.0.0.1"


def test_without_a_list_everybody_is_believed_and_that_is_told(site, recorded):
    with configured(site, use_forwarded_headers="true") as program:
        program.wait_for_log(r"everybody is believed")
        assert fields_for(program, recorded, *CLAIMS)["x-real-ip"] == "198.51.100.1"


def test_the_full_list_is_passed_on_where_it_is_asked_for(site, recorded):
    with configured(site, use_forwarded_headers="true", compute_full_forwarded_for="true", proxy_real_ip_cidr="127.0.0.1") as program:
        fields = fields_for(program, recorded, f"X-Forwarded-For: 198.51.100.1, {CLIENT}")
    assert fields["x-forwarded-for"] == f"198.51.100.1, {CLIENT}, 127.0.0.1"
    assert fields["x-real-ip"] == CLIENT


def test_real_ip_takes_the_address_alone_from_the_header_that_is_named(site, recorded):
    with configured(site, enable_real_ip="true", forwarded_for_header="CF-Connecting-IP", proxy_real_ip_cidr="127.0.0.1") as program:
        fields = fields_for(program, recorded, f"CF-Connecting-IP: {CLIENT}", "X-Forwarded-Proto: https")
    assert fields["x-real-ip"] == fields["x-forwarded-for"] == fields["x-original-forwarded-for"] == CLIENT
    assert fields["x-forwarded-proto"] == "http"


def test_the_access_log_names_the_client(site, recorded, tmp_path):
    log = tmp_path / "access.log"
    flags = ["--access-log", "json", "--access-log-path", log]
    with configured(site, *flags, use_forwarded_headers="true", proxy_real_ip_cidr="127.0.0.1") as program:
        fields_for(program, recorded, f"X-Forwarded-For: {CLIENT}", "X-Forwarded-Proto: https")
    entry = json.loads(log.read_text().splitlines()[0])
    assert (entry["client"], entry["scheme"]) == (CLIENT, "https")


# ---- Forwarded


def test_forwarded_is_sent_where_it_is_asked_for(site, recorded):
    with configured(site, forwarded_header="true") as program:
        fields = fields_for(program, recorded, "Forwarded: for=1.2.3.4", host="capture.test:8080")
    assert fields["forwarded"] == 'for=127.0.0.1;host="capture.test:8080";proto=http'


def test_forwarded_is_believed_of_trusted_ones_only(site, recorded):
    claims = 'Forwarded: for=198.51.100.1, For="[2001:db8::7]:4711";proto=https;host=shop.example, for=127.0.0.2'
    settings = {"use_forwarded_headers": "true", "forwarded_header": "true"}
    with configured(site, **settings, proxy_real_ip_cidr="127.0.0.0/8") as program:
        fields = fields_for(program, recorded, claims, "X-Forwarded-For: 1.2.3.4")
        assert wire.get(program.http, "secure.test", "/", claims).status == 200
    assert fields["x-real-ip"] == "2001:db8::7"
    assert fields["forwarded"] == 'for="[2001:db8::7]";host=shop.example;proto=https'
    recorded.play()
    with configured(site, **settings, proxy_real_ip_cidr="192.0.2.0/24") as program:
        assert fields_for(program, recorded, claims)["forwarded"] == "for=127.0.0.1;host=capture.test;proto=http"


# ---- the PROXY protocol towards backends


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_backends_that_ask_are_told_the_client_on_a_connection_of_its_own(site, recorded, version):
    annotations = {"portico.dev/backend-proxy-protocol": version}
    site.write("told.yaml", ingress("told", rule("told.test", path("/", "capture")), annotations=annotations))
    with configured(site, use_proxy_protocol="true", proxy_real_ip_cidr="127.0.0.1") as program:
        with wire.Client(program.http) as client:
            client.send(v2("2001:db8::7", "2001:db8::1"))
            for _ in range(2):
                assert client.ask(wire.request("told.test")).status == 200
    expected = (v1 if version == "v1" else v2)("2001:db8::7", "2001:db8::1")
    assert recorded.received().count(expected + b"GET / HTTP/1.1\r\n") == 2


def test_backends_of_http_2_are_told_on_a_connection_for_each_request_too(site, recorded):
    annotations = {"portico.dev/backend-proxy-protocol": "v1", "portico.dev/backend-protocol": "GRPC"}
    site.write("told.yaml", ingress("told", rule("told.test", path("/", "capture")), annotations=annotations))
    with configured(site, use_proxy_protocol="true", proxy_real_ip_cidr="127.0.0.1") as program:
        with wire.Client(program.http) as client:
            client.send(v2("192.0.2.7", "192.0.2.1"))
            for _ in range(2):
                assert client.ask(wire.request("told.test")).status == 502, "what captures speaks HTTP/1"
    assert recorded.received().count(v1("192.0.2.7", "192.0.2.1") + b"PRI * HTTP/2.0\r\n") == 2
