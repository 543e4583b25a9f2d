"""testssl.sh against the https listener: nothing above LOW."""

import concurrent.futures
import json
import subprocess

import certificates
import manifests
import portico
import pytest
from manifests import ingress, path, rule, served, tls_secret

HOST = "localhost"
# Not its simulations of clients, which judge nothing, nor the headers of the answer, which are the backend's.
CHECKS = ["--protocols", "--std", "--fs", "--server-preference", "--server-defaults", "--vulnerable"]
# On loopback only: the address is given, no name is looked up, and it phones nobody unless told to.
FLAGS = ["--quiet", "--color=0", "--warnings=off", "--ip=127.0.0.1", "--nodns=none"]
FINE = {"OK", "INFO", "LOW"}
# What testssl.sh says of itself.
OF_ITSELF = {"engine_problem"}


ALGORITHMS = ("ec", "rsa")


def scan(folder, echo, algorithm, files):
    """(what it found, what it told)"""
    root, pair = certificates.issued(HOST, algorithm=algorithm)
    folder.write("echo.yaml", *served("echo", echo.port)).write("secret.yaml", tls_secret("pair", pair))
    folder.write("ingress.yaml", ingress("echo", rule(HOST, path("/", "echo")), tls={"pair": [HOST]}))
    (files / "root.crt").write_text(root)
    report = files / "report.json"
    with portico.Portico(folder) as program:
        more = ["--add-ca", files / "root.crt", "--jsonfile", report]
        command = ["testssl", *FLAGS, *CHECKS, *more, f"{HOST}:{program.https[1]}"]
        told = subprocess.run(command, capture_output=True, text=True, timeout=1200, check=False).stdout
    return [one for one in json.loads(report.read_text()) if one["id"] not in OF_ITSELF], told


@pytest.fixture(scope="module")
def scans(tmp_path_factory, echo):
    """Side by side, because they mostly wait: {algorithm: its scan}."""

    def begin(algorithm):
        files = tmp_path_factory.mktemp(algorithm)
        folder = manifests.Folder(files / "manifests").write("class.yaml", manifests.ingress_class())
        return threads.submit(scan, folder, echo, algorithm, files)

    with concurrent.futures.ThreadPoolExecutor() as threads:
        yield {algorithm: begin(algorithm) for algorithm in ALGORITHMS}


@pytest.mark.skipif(portico.SANITIZED or not portico.LONG_TESTS, reason="takes two minutes; ./dev test --all runs it in release")
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_testssl_has_no_finding_above_low(scans, algorithm):
    findings, told = scans[algorithm].result()
    assert len(findings) > 80, told
    assert not [one for one in findings if one["severity"] not in FINE], told
