"""What an idle client connection holds, and that bodies of any size pass in bounded memory."""

import os
import threading
import time

from support import http, manifests, report
from support.processes import Broken
from support.programs import Backend, Portico
from scenarios import certificates

TITLE = "memory: idle connections, large bodies"
GIB = 1 << 30
HOST_SUFFIX = ".memory.example.com"
SMALL, LARGE, SECURE = "small" + HOST_SUFFIX, "large" + HOST_SUFFIX, "h0" + HOST_SUFFIX
# Buffers go back once a connection has been quiet for a tick of the deadline wheel.
QUIET_SECONDS = 3
UNLIMITED_BODY = {"nginx.ingress.kubernetes.io/proxy-body-size": "0"}


def run(options):
    large_bytes = GIB // 8 if options.quick else GIB
    with Backend(options.build, options.directory) as small, \
            Backend(options.build, options.directory, large_bytes) as large:
        folder = write_manifests(options, small.port, large.port)
        with Portico(options.build, options.directory, folder.path, workers=1) as portico:
            portico.wait_ready()
            measure_idle(portico, "plaintext", 1000 if options.quick else 5000, 1.0)
            measure_idle(portico, "TLS", 300 if options.quick else 2000, 16.0)
            measure_download(portico, large_bytes)
            measure_upload(portico, large_bytes)


def write_manifests(options, small_port, large_port):
    folder = manifests.Folder(os.path.join(options.directory, "memory-manifests"))
    folder.write("small", manifests.service("small", small_port))
    folder.write("large", manifests.service("large", large_port))
    folder.write("ingress-small", manifests.ingress("small", SMALL, "small", None, UNLIMITED_BODY))
    folder.write("ingress-large", manifests.ingress("large", LARGE, "large"))
    _, certificate, key = certificates.generate(options.build, 1, HOST_SUFFIX)[0]
    folder.write("secret", manifests.tls_secret("secure", certificate, key))
    folder.write("ingress-secure", manifests.ingress("secure", SECURE, "small", secret="secure"))
    return folder


def measure_idle(portico, kind, count, limit_kib):
    """One request each, one after the other, then silence; the connections stay open."""
    tls = kind == "TLS"
    port, host = (portico.https_port, SECURE) if tls else (portico.port, SMALL)

    def open_one():
        connection = http.Connection(port, host, tls)
        status, _ = connection.get()
        if status != 200:
            raise Broken(f"{host} answers {status}")
        return connection

    for _ in range(50):
        open_one().close()
    time.sleep(QUIET_SECONDS)
    before = portico.resident_bytes()
    connections = [open_one() for _ in range(count)]
    time.sleep(QUIET_SECONDS)
    each = (portico.resident_bytes() - before) / count / 1024
    report.bar(f"an idle {kind} connection", each, limit_kib, " KiB", detail=f"({count} held)")
    check_held(connections)
    for connection in connections:
        connection.close()


def check_held(connections):
    """They were idle, not closed: some of them serve again."""
    for connection in connections[:: max(1, len(connections) // 20)]:
        status, _ = connection.get()
        if status != 200:
            raise Broken(f"an idle connection then answered {status}")


class ResidentPeak:
    """Samples a program's resident memory; `growth()` is the most it held beyond the start."""

    def __init__(self, process):
        self._process = process
        self._start = self._peak = process.resident_bytes()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._sample)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        self._thread.join()

    def _sample(self):
        while not self._done.wait(0.01):
            self._peak = max(self._peak, self._process.resident_bytes())

    def growth(self):
        return self._peak - self._start


def measure_download(portico, size):
    """With a reader that stops for a while: what it does not take must not pile up in the proxy."""
    connection = http.Connection(portico.port, LARGE)
    buffer = bytearray(1 << 18)
    started = time.monotonic()
    with ResidentPeak(portico) as peak:
        connection.send(f"GET / HTTP/1.1\r\nHost: {LARGE}\r\n\r\n".encode())
        head, body, length = connection.read_head()
        if length != size:
            raise Broken(f"the download began with {head[:200]!r}")
        received = len(body)
        time.sleep(1)
        while received < size:
            count = connection.receive_into(buffer)
            if count == 0:
                raise Broken(f"the download ended after {received} of {size} bytes")
            received += count
    connection.close()
    print_growth(f"download of {size >> 20} MiB", peak, time.monotonic() - started - 1)


def measure_upload(portico, size):
    connection = http.Connection(portico.port, SMALL)
    piece = bytes(1 << 18)
    started = time.monotonic()
    with ResidentPeak(portico) as peak:
        connection.send(
            f"POST / HTTP/1.1\r\nHost: {SMALL}\r\nContent-Length: {size}\r\n\r\n".encode())
        for _ in range(size // len(piece)):
            connection.send(piece)
        head, _, _ = connection.read_head()
    connection.close()
    if b" 200 " not in head.split(b"\r\n")[0]:
        raise Broken(f"the upload was answered {head[:200]!r}")
    print_growth(f"upload of {size >> 20} MiB", peak, time.monotonic() - started)


def print_growth(name, peak, seconds):
    """ "Flat" is taken as: no more than two megabytes, the buffers of both sides, at any time."""
    report.bar(f"{name}: growth", peak.growth() / 1e6, 2, " MB", detail=f"in {seconds:.1f} s")
