"""`portico check`, `explain` and `version`."""

import pathlib
import re
import subprocess
import tempfile

import certificates
import manifests
import portico
import pytest
from manifests import config_map, ingress, path, rule, served, tls_secret

LINE = re.compile(r"(?P<file>[^:]+):(?P<line>\d+): (?P<severity>error|warning|info): (?P<object>[^:]+): (?P<field>[^:]*): (?P<message>.+)")

INGRESS = """\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations: {{{annotations}}}
spec:
  ingressClassName: {klass}
  rules:
  - host: {host}
    http:
      paths:
      - path: {path}
        pathType: {kind}
        backend: {{service: {{name: {service}, port: {{number: {port}}}}}}}
{more}"""
GOOD = {
    "annotations": "",
    "klass": "portico",
    "host": "web.test",
    "path": "/",
    "kind": "Prefix",
    "service": "web",
    "port": "80",
    "more": "",
}


@pytest.fixture
def site(folder):
    return folder.write("web.yaml", *served("web", 1234))


def check(folder):
    result = portico.run("check", folder)
    assert result.returncode in (0, 1), result
    found = []
    for line in result.stdout.splitlines():
        if match := LINE.match(line):
            found.append(match.groupdict())
    return result, found


def check_ingress(site, **changes):
    site.write_text("ingress.yaml", INGRESS.format(**(GOOD | changes)))
    return check(site)


def test_good_manifests_pass(site):
    result, found = check_ingress(site)
    assert result.returncode == 0 and not [one for one in found if one["severity"] == "error"], result


# name -> (changes to the good Ingress, the line, the severity, what the message quotes)
FINDINGS = {
    "a misspelt field": ({"more": "  defaultBakend: {}\n"}, 15, "error", "defaultBakend"),
    "an unknown field": ({"more": "  colour: blue\n"}, 15, "error", "colour"),
    "a missing Service": ({"service": "nobody"}, None, "error", "nobody"),
    "a missing port": ({"port": "81"}, None, "error", "81"),
    "an unknown class": ({"klass": "nobody"}, None, "error", "nobody"),
    "a path without a slash": ({"path": "foo"}, None, "error", "foo"),
    "a path that escapes": ({"path": "/../x"}, None, "error", "/../x"),
    "an unknown path type": ({"kind": "Prefiks"}, None, "error", "Prefiks"),
    "a bad host": ({"host": "web_.test"}, None, "error", "web_.test"),
    "a wildcard in the middle": ({"host": "a.*.test"}, None, "error", "a.*.test"),
    "a missing Secret": ({"more": "  tls: [{hosts: [web.test], secretName: nobody}]\n"}, None, "error", "nobody"),
    "an unknown annotation": ({"annotations": "nginx.ingress.kubernetes.io/ssl-redirct: 'true'"}, None, "warning", "ssl-redirct"),
    "an annotation not served yet": ({"annotations": "nginx.ingress.kubernetes.io/enable-cors: 'true'"}, None, "warning", "enable-cors"),
    "an annotation that guards access": ({"annotations": "nginx.ingress.kubernetes.io/auth-url: 'http://a/'"}, None, "error", "auth-url"),
    "a bad annotation value": ({"annotations": "nginx.ingress.kubernetes.io/proxy-body-size: 'much'"}, None, None, "much"),
}


@pytest.mark.parametrize("name", FINDINGS)
def test_finds(site, name):
    changes, line, severity, quoted = FINDINGS[name]
    result, found = check_ingress(site, **changes)
    matching = [one for one in found if one["file"].endswith("ingress.yaml") and quoted in one["message"] + one["field"]]
    assert matching, result.stdout
    if severity:
        assert severity in [one["severity"] for one in matching], result.stdout
        assert result.returncode == (1 if severity == "error" else 0), result.stdout
    if line:
        assert line in [int(one["line"]) for one in matching], result.stdout
    assert all(int(one["line"]) >= 1 for one in matching)


def test_reads_the_configmap_it_is_told_of(site):
    site.write("settings.yaml", config_map("settings", proxy_body_sise="2k", denylist_source_range="10.0.0.0/8"))
    result = portico.run("check", site, "--configmap", "default/settings")
    assert result.returncode == 1
    assert re.search(r"settings.yaml:\d+: warning: ConfigMap default/settings: data.proxy-body-sise: ", result.stdout), result.stdout
    assert re.search(r"settings.yaml:\d+: error: ConfigMap default/settings: data.denylist-source-range: ", result.stdout), result.stdout


def test_looks_further_into_an_ingress_of_unknown_class(site):
    result, _ = check_ingress(site, klass="nobody", service="nothing")
    assert "no IngressClass" in result.stdout and '"nothing"' in result.stdout, result.stdout


def test_names_the_nearest_known_annotation(site):
    result, _ = check_ingress(site, annotations="nginx.ingress.kubernetes.io/ssl-redirct: 'true'")
    assert re.search(r"ssl-redirect\b", result.stdout), result.stdout


def test_finds_the_same_host_and_path_twice(site):
    site.write("one.yaml", ingress("one", rule("twice.test", path("/x", "web"))))
    site.write("two.yaml", ingress("two", rule("twice.test", path("/x", "web"))))
    result, found = check(site)
    assert result.returncode == 1
    assert any("twice.test" in one["message"] or "/x" in one["message"] for one in found), result.stdout


@pytest.mark.parametrize("names,days,quoted", [(["other.test"], 30, "web.test"), (["web.test"], -1, "expired")])
def test_finds_certificates_that_will_not_do(site, names, days, quoted):
    if days < 0:
        pair = expired_pair(names[0])
    else:
        pair = certificates.self_signed(*names, days=days)
    site.write("secret.yaml", tls_secret("web", pair))
    result, _ = check_ingress(site, more="  tls: [{hosts: [web.test], secretName: web}]\n")
    assert result.returncode == 1 and quoted in result.stdout, result.stdout


def expired_pair(name):
    """OpenSSL 3.0's `req` makes no certificate of the past; `ca` does."""
    config = "[ca]\ndefault_ca=d\n[d]\ndatabase=index\nserial=serial\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\nx509_extensions=x\n"
    config += f"[p]\ncommonName=supplied\n[x]\nsubjectAltName=DNS:{name}\n"
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        (root / "c.cnf").write_text(config)
        (root / "index").touch()
        (root / "serial").write_text("01")
        new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "k.pem"]
        commands = [
            ["openssl", "req", "-new", *new_key, "-subj", f"/CN={name}", "-out", "r.pem"],
            ["openssl", "ca", "-batch", "-config", "c.cnf", "-selfsign", "-keyfile", "k.pem", "-in", "r.pem", "-out", "c.pem"]
            + ["-notext", "-startdate", "20200101000000Z", "-enddate", "20200201000000Z"],
        ]
        for command in commands:
            subprocess.run(command, cwd=root, check=True, capture_output=True)
        return certificates.Pair((root / "c.pem").read_text(), (root / "k.pem").read_text())


def test_names_file_and_line_of_broken_yaml(site):
    site.write_text("broken.yaml", "a: 1\nb: [\nc: }\n")
    result, found = check(site)
    assert result.returncode == 1
    assert any(one["file"].endswith("broken.yaml") and int(one["line"]) in (2, 3) for one in found), result.stdout


def test_checks_several_paths(site, tmp_path):
    other = manifests.Folder(tmp_path / "other").write("ingress.yaml", ingress("x", rule("x.test", path("/", "web"))))
    assert portico.run("check", site, other).returncode == 0


def test_a_path_that_is_not_there_is_exit_2(tmp_path):
    result = portico.run("check", tmp_path / "nowhere")
    assert result.returncode == 2 and "nowhere" in result.stderr


@pytest.fixture
def explained(site):
    return site.write(
        "ingress.yaml",
        ingress("web", rule("web.test", path("/app", "web"), path("/app/admin", "nobody"))),
        ingress("wild", rule("*.test", path("/", "web"))),
    )


@pytest.mark.parametrize(
    "url,words",
    {
        "http://web.test/app/x": ["default/web", "/app"],
        "http://web.test/app/admin": ["default/web", "/app/admin", "503", "nobody"],
        "http://web.test/else": ["default/wild"],
        "http://other.example/": ["404"],
    }.items(),
)
def test_explain_says_which_rule_serves_a_url_and_why(explained, url, words):
    result = portico.run("explain", url, "--manifests", explained)
    assert result.returncode in (0, 1), result
    for word in words:
        assert word in result.stdout, result.stdout


def test_explain_refuses_what_is_no_url(explained):
    assert portico.run("explain", "::", "--manifests", explained).returncode == 2


def test_version_says_its_version():
    result = portico.run("version")
    assert result.returncode == 0 and re.search(r"\d+\.\d+\.\d+", result.stdout)


def test_the_readme_has_every_flag_of_serve():
    readme = (pathlib.Path(__file__).resolve().parents[1] / "README.md").read_text()
    flags = set(re.findall(r"--[a-z-]+", portico.run("serve", "--help").stdout)) - {"--help"}
    assert flags and {flag for flag in flags if f"| `{flag}" not in readme} == set()


@pytest.mark.parametrize("command", ["serve", "check", "explain"])
def test_help_is_there(command):
    result = portico.run(command, "--help")
    assert result.returncode == 0 and "--" in result.stdout
