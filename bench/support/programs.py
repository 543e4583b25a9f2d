"""Every program of a measurement, started on loopback with a port of its own."""

import glob
import os
import urllib.error
import urllib.request

from support.manifests import CONFIG_MAP_NAME
from support.processes import Broken, Process, free_port, wait_for_port, wait_until


class Build:
    """A build directory, and where the programs are in it."""

    def __init__(self, root, directory):
        self.directory = directory
        self.portico = os.path.join(directory, "portico")
        self.relay = os.path.join(directory, "bench", "portico_bench_relay")
        self.backend = os.path.join(directory, "bench", "portico_bench_backend")
        self.certificates = os.path.join(directory, "bench", "portico_bench_certificates")
        self.handshakes = os.path.join(directory, "bench", "portico_bench_handshakes")
        self.cache = os.path.join(root, "build", "bench-cache")
        os.makedirs(self.cache, exist_ok=True)

    def benchmarks(self):
        found = glob.glob(os.path.join(self.directory, "**", "portico_*_benchmark"), recursive=True)
        return sorted(path for path in found if os.access(path, os.X_OK) and os.path.isfile(path))

    def require(self, *programs):
        for program in programs:
            if not os.access(program, os.X_OK):
                raise Broken(f"{program} is not there: ./dev build release")


class Backend(Process):
    """Listens on `host_count` addresses of loopback, all with one port."""

    def __init__(self, build, directory, body_bytes=1024, fill="x", host_count=1, cpus=None):
        build.require(build.backend)
        super().__init__([build.backend, str(body_bytes), fill, str(host_count)], directory, cpus)
        self.port = int(self.wait_for_log(r"^(\d+)\n").group(1))
        self.hosts = ["127.0.0.1"] + [f"127.1.{i >> 8}.{i & 255}" for i in range(1, host_count)]


class Relay(Process):
    def __init__(self, build, directory, backend_port, cpus=None):
        build.require(build.relay)
        super().__init__([build.relay, str(backend_port)], directory, cpus)
        self.port = int(self.wait_for_log(r"^(\d+)\n").group(1))


class Nginx(Process):
    def __init__(self, directory, write_config, cpus=None):
        self.port = free_port()
        config = write_config(directory, self.port)
        super().__init__(["/usr/sbin/nginx", "-e", os.path.join(directory, "nginx-error.log"),
                          "-p", directory, "-c", config], directory, cpus)
        wait_for_port(self.port)


class Haproxy(Process):
    def __init__(self, directory, write_config, cpus=None):
        self.port = free_port()
        config = write_config(directory, self.port)
        super().__init__(["/usr/sbin/haproxy", "-db", "-f", config], directory, cpus)
        wait_for_port(self.port)


class Portico(Process):
    """`portico serve` on a manifest folder. Not ready yet when constructed: see wait_ready."""

    def __init__(self, build, directory, manifests, workers=1, arguments=(), cpus=None):
        build.require(build.portico)
        super().__init__(
            [build.portico, "serve", "--manifests", manifests, "--configmap", CONFIG_MAP_NAME,
             "--workers", str(workers), "--http-address", "127.0.0.1:0",
             "--https-address", "127.0.0.1:0", "--admin-address", "127.0.0.1:0", *arguments],
            directory, cpus)
        self.port = self.https_port = self.admin_port = None

    def wait_ready(self, timeout=120):
        self.port = self._listening("http", timeout)
        self.https_port = self._listening("https", timeout)
        self.admin_port = self._listening("admin", timeout)
        if not wait_until(self._ready, timeout):
            raise Broken(f"portico never became ready:\n{self.log()[-2000:]}")
        return self

    def _listening(self, name, timeout):
        return int(self.wait_for_log(rf"listening {name} \S*:(\d+)", timeout).group(1))

    def _ready(self):
        try:
            url = f"http://127.0.0.1:{self.admin_port}/readyz"
            with urllib.request.urlopen(url, timeout=5) as answer:
                return self._running() and answer.status == 200
        except (urllib.error.URLError, OSError):
            return False
