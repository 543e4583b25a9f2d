"""h2spec, whole and strict: the cases of HTTP/2 and HPACK that somebody else thought of, over TLS and by prior knowledge."""

import os
import pathlib
import subprocess
import xml.etree.ElementTree as xml

import certificates
import portico
import pytest
from manifests import ingress, path, rule, served, tls_secret

CASES = 146  # of h2spec 2.2.1, strict ones too

# What Portico does otherwise than a case wants: {(transport, section, case): the part of RFC 9113 that lets it}.
EXPLAINED = {
    ("prior-knowledge", "http2/3.5", "Sends invalid connection preface"): (
        "RFC 9113 3.4: who sends an invalid preface is not using HTTP/2, and needs no GOAWAY; the plaintext port speaks HTTP/1.1 "
        "too, and answers 400 in it before it closes"
    ),
}

FLAGS = {"tls": ["--tls", "--insecure"], "prior-knowledge": []}


@pytest.fixture(scope="module")
def program(module_folder, echo):
    pair = certificates.self_signed("echo.test")
    module_folder.write("echo.yaml", *served("echo", echo.port)).write("secret.yaml", tls_secret("pair", pair))
    # h2spec names the host by its address, so the rule is for all.
    module_folder.write("ingress.yaml", ingress("echo", rule(None, path("/", "echo"))))
    with portico.Portico(module_folder) as running:
        yield running


def explain(report, transport):
    """Marks what EXPLAINED says as left out, so that the tally prints why."""
    for case in report.iter("testcase"):
        reason = EXPLAINED.get((transport, case.get("package"), case.get("classname")))
        for kind in ("failure", "error"):
            if reason and (found := case.find(kind)) is not None:
                case.remove(found)
                xml.SubElement(case, "skipped", message=reason)


def misses(report):
    for case in report.iter("testcase"):
        for kind in ("failure", "error", "skipped"):
            found = case.find(kind)
            if found is not None and found.get("message") not in EXPLAINED.values():
                yield f"{kind}: {case.get('package')}: {case.get('classname')}: {' '.join(''.join(found.itertext()).split())}"


@pytest.mark.parametrize("transport", FLAGS)
def test_h2spec_finds_no_fault(program, go_programs_built, transport, tmp_path):
    host, port = program.https if transport == "tls" else program.http
    file = tmp_path / "report.xml"
    command = [go_programs_built["h2spec"], "-h", host, "-p", str(port), "-S", "-o", str(portico.PATIENCE), "-j", file]
    command += FLAGS[transport]
    told = subprocess.run(command, capture_output=True, text=True, timeout=1200, check=False).stdout
    assert file.exists(), told
    report = xml.parse(file)
    explain(report, transport)
    if results := os.environ.get("PORTICO_RESULTS"):  # each case counts where the tests are counted
        report.write(pathlib.Path(results) / f"e2e-{os.environ.get('PORTICO_PRESET', 'debug')}-h2spec-{transport}.xml")
    assert not list(misses(report)), told
    assert len(list(report.iter("testcase"))) == CASES
