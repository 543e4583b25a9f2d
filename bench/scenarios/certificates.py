"""What 10,000 certificates cost at start, before any handshake.

Reading the manifests takes far longer than anything done to the certificates, so the figure is a
difference: a start with the same bytes in Opaque Secrets that no `tls` entry names is subtracted.
"""

import os
import random
import socket
import subprocess
import time

from support import http, manifests, report
from support.processes import Broken
from support.programs import Portico

TITLE = "certificates: 10,000 of them at start"
HOST_SUFFIX = ".certificates.example.com"


def generate(build, count, suffix):
    """[(host, certificate, key)], the latter two as a Secret holds them; made once, then cached."""
    path = os.path.join(build.cache, f"certificates{suffix}-{count}.txt")
    if not os.path.exists(path):
        build.require(build.certificates)
        lines = subprocess.run([build.certificates, str(count), suffix], capture_output=True,
                               text=True, check=True).stdout
        with open(path + ".tmp", "w", encoding="ascii") as file:
            file.write(lines)
        os.rename(path + ".tmp", path)
    with open(path, encoding="ascii") as file:
        return [line.split() for line in file]


def run(options):
    count = 1000 if options.quick else 10000
    items = generate(options.build, count, HOST_SUFFIX)
    repeats = 1 if options.quick else 3
    runs = {"without": [], "with": []}
    folders = {"without": write(options, items, False), "with": write(options, items, True)}
    for _ in range(repeats):
        for name, folder in folders.items():
            runs[name].append(start(options, folder, items if name == "with" else []))
    seconds, resident, cpu = (
        {name: report.median([run[part] for run in values]) for name, values in runs.items()}
        for part in range(3))
    for name in runs:
        report.line(f"{count} hosts {name} certificates",
                    f"ready in {seconds[name]:.2f} s, CPU {cpu[name]:.2f} s, "
                    f"{resident[name] / 1e6:.1f} MB resident")
    report.bar("certificates: time to ready", seconds["with"] - seconds["without"], 2, " s")
    report.bar("certificates: resident", (resident["with"] - resident["without"]) / 1e6, 30, " MB")
    report.line("one certificate", f"{(resident['with'] - resident['without']) / count:.0f} bytes, "
                f"{1e6 * (cpu['with'] - cpu['without']) / count:.1f} us of CPU at start")


def write(options, items, secured):
    folder = manifests.Folder(os.path.join(options.directory, f"certificates-{secured}"))
    folder.write("service", manifests.service("app", 9))  # no request is made
    secret = manifests.tls_secret if secured else manifests.opaque_secret
    for i, (host, certificate, key) in enumerate(items):
        folder.write(f"secret-{i}", secret(f"c{i}", certificate, key))
        folder.write(f"ingress-{i}",
                     manifests.ingress(f"i{i}", host, "app", secret=f"c{i}" if secured else None))
    return folder


def start(options, folder, items):
    """(seconds to ready, resident bytes, CPU seconds); then some handshakes, to see that all is there."""
    started = time.monotonic()
    with Portico(options.build, options.directory, folder.path, workers=1) as portico:
        portico.wait_ready()
        result = (time.monotonic() - started, portico.resident_bytes(), portico.cpu_seconds())
        if items:
            chosen = random.Random(1).sample(items, 200)
            first = [handshake(portico.https_port, host) for host, _, _ in chosen]
            again = [handshake(portico.https_port, host) for host, _, _ in chosen]
            report.line("a host's first full handshake", report.median_and_spread(first, " ms"))
            report.line("a later full handshake", report.median_and_spread(again, " ms"))
        return result


def handshake(port, host):
    """Milliseconds of a full handshake that shows the host's own certificate."""
    raw = socket.create_connection(("127.0.0.1", port), 10)
    started = time.monotonic()
    with http.client_context().wrap_socket(raw, server_hostname=host) as connection:
        elapsed = 1000 * (time.monotonic() - started)
        if host.encode() not in connection.getpeercert(binary_form=True):
            raise Broken(f"{host} was shown another certificate")
    return elapsed
