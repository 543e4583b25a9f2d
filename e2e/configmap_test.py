"""--configmap and --default-ssl-certificate: what holds for every Ingress."""

import ssl

import certificates
import portico
import pytest
import wire
from manifests import config_map, ingress, path, rule, served, tls_secret


@pytest.fixture
def site(folder, echo):
    folder.write("echo.yaml", *served("echo", echo.port))
    folder.write("ingress.yaml", ingress("echo", rule("echo.test", path("/", "echo"))))
    rules = rule("own.test", path("/", "echo"))
    return folder.write("own.yaml", ingress("own", rules, annotations={"proxy-body-size": "1k"}))


def post(program, host, size):
    return wire.get(program.http, host, method="POST", body=b"x" * size).status


def test_it_sets_the_defaults_of_every_ingress_and_changes_live(site):
    site.write("settings.yaml", config_map("settings", "ingress", proxy_body_size="2k"))
    with portico.Portico(site, "--configmap", "ingress/settings") as program:
        assert (post(program, "echo.test", 2048), post(program, "echo.test", 2049)) == (200, 413)
        assert (post(program, "own.test", 1024), post(program, "own.test", 1025)) == (200, 413)
        site.write("settings.yaml", config_map("settings", "ingress", proxy_body_size="3k"))
        portico.eventually(lambda: post(program, "echo.test", 3072) == 200, what="the new limit")
        assert post(program, "own.test", 1025) == 413
        site.remove("settings.yaml")
        portico.eventually(lambda: post(program, "echo.test", 4096) == 200, what="the built-in limit")
        program.wait_for_log(r'there is no ConfigMap "ingress/settings"')


def test_a_guard_that_is_not_served_closes_every_route_while_it_is_there(site):
    with portico.Portico(site, "--configmap", "default/settings") as program:
        assert wire.get(program.http, "echo.test").status == 200
        site.write("settings.yaml", config_map("settings", whitelist_source_range="10.0.0.0/8"))
        portico.eventually(lambda: wire.get(program.http, "echo.test").status == 503, what="closed routes")
        line = program.wait_for_log(r"guards access")
        assert "settings.yaml:" in line and "ConfigMap default/settings: data.whitelist-source-range" in line, line
        site.write("settings.yaml", config_map("settings", whitelist_source_range=""))
        portico.eventually(lambda: wire.get(program.http, "echo.test").status == 200, what="open routes")


def test_what_it_holds_in_vain_is_told(site):
    site.write("settings.yaml", config_map("settings", proxy_body_sise="2k", enable_opentelemetry="true", proxy_read_timeout="60s"))
    with portico.Portico(site, "--configmap", "default/settings") as program:
        assert 'did you mean "proxy-body-size"?' in program.wait_for_log(r"data\.proxy-body-sise")
        assert "not served yet" in program.wait_for_log(r"data\.enable-opentelemetry")
        assert "seconds" in program.wait_for_log(r"data\.proxy-read-timeout")


def test_hsts_is_sent_where_a_certificate_is_and_follows_the_map(site):
    pair = certificates.self_signed("pinned.test")
    tls = {"pinned": ["pinned.test"]}
    site.write("secret.yaml", tls_secret("pinned", pair))
    site.write("pinned.yaml", ingress("pinned", rule("pinned.test", path("/", "echo")), tls=tls))

    def sent(program, host, secure=True):
        connect = {"tls_name": host, "tls_context": certificates.anything()} if secure else {}
        response = wire.get(program.https if secure else program.http, host, **connect)
        return response.field("Strict-Transport-Security")

    with portico.Portico(site, "--configmap", "default/settings") as program:
        assert sent(program, "pinned.test") == "max-age=31536000; includeSubDomains"
        assert sent(program, "echo.test") is None
        assert sent(program, "pinned.test", secure=False) is None
        site.write(
            "settings.yaml",
            config_map("settings", hsts_max_age="60", hsts_include_subdomains="false", hsts_preload="true"),
        )
        portico.eventually(lambda: sent(program, "pinned.test") == "max-age=60; preload", what="the map's max-age")
        site.write("settings.yaml", config_map("settings", hsts="false"))
        portico.eventually(lambda: sent(program, "pinned.test") is None, what="no HSTS")


def names_shown(address, server_name):
    with wire.Client(address, tls_name=server_name, tls_context=certificates.anything()) as client:
        return ssl.DER_cert_to_PEM_cert(client.socket.getpeercert(True))


def test_a_default_certificate_is_shown_where_no_other_is_configured(site):
    first, second = certificates.self_signed("*.fallback.test"), certificates.self_signed("*.fallback.test")
    site.write("secret.yaml", tls_secret("fallback", first))
    with portico.Portico(site, "--default-ssl-certificate", "default/fallback") as program:
        assert names_shown(program.https, "a.fallback.test") == first.certificate
        site.write("secret.yaml", tls_secret("fallback", second))
        portico.eventually(lambda: names_shown(program.https, "a.fallback.test") == second.certificate)
