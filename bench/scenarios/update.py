"""20,000 Ingresses: time to ready, memory, how soon a change is served, what constant change costs."""

import random
import time

from support import http, manifests, report
from support.processes import Broken, wait_until
from support.programs import Backend, Portico

TITLE = "update: 20,000 Ingresses, 5,000 Services, changes of one file"
WORKERS = 2
# A connection lands on a worker by the kernel's hash: 12 leave one of 2 workers unseen once in 2,048 runs.
CONNECTIONS = 12
CHANGES_PER_SECOND = 100
HOST_SUFFIX = ".update.example.com"


def run(options):
    with Backend(options.build, options.directory, 1, "a") as a, \
            Backend(options.build, options.directory, 1, "b") as b:
        cluster = Cluster(options, (a.port, b.port))
        started = time.monotonic()
        with Portico(options.build, options.directory, cluster.folder.path, WORKERS) as portico:
            portico.wait_ready()
            report.bar("ready after", time.monotonic() - started, 15, " s")
            check_routes(portico, cluster)
            report.bar("resident when ready", portico.resident_bytes() / 1e6, 250, " MB", 1)
            measure_latency(portico, cluster, changes=20 if options.quick else 100)
            measure_churn(portico, cluster, seconds=3 if options.quick else 10)
            report.line("resident after the changes", f"{portico.resident_bytes() / 1e6:.1f} MB")


class Cluster:
    """The manifests; even Services lead to backend a, odd ones to b, and so does each Ingress at first."""

    def __init__(self, options, ports):
        self.ingresses = 2000 if options.quick else 20000
        self.services = self.ingresses // 4
        self.folder = manifests.Folder(f"{options.directory}/update-manifests")
        for i in range(self.services):
            self.folder.write(f"service-{i}", manifests.service(f"s{i}", ports[i % 2]))
        self._service_of = [i % self.services for i in range(self.ingresses)]
        for i in range(self.ingresses):
            self._prepare(i)()
        report.line("objects", f"{self.ingresses} Ingresses, {self.services} Services and EndpointSlices, "
                               f"{WORKERS} workers")

    def _prepare(self, i):
        text = manifests.ingress(f"i{i}", self.host(i), f"s{self._service_of[i]}")
        return self.folder.prepare(f"ingress-{i}", text)

    def host(self, i):
        return f"h{i}{HOST_SUFFIX}"

    def answer(self, i):
        return b"ab"[self._service_of[i] % 2:][:1]

    def prepare_flip(self, i):
        """Moves an Ingress to the other backend, once what is returned is called."""
        self._service_of[i] ^= 1
        return self._prepare(i)


def check_routes(portico, cluster):
    for i in (0, 1, cluster.ingresses - 1):
        answer = http.get(portico.port, cluster.host(i))
        if answer != (200, cluster.answer(i)):
            raise Broken(f"{cluster.host(i)} answered {answer}")


def measure_latency(portico, cluster, changes):
    delays = []
    for i in random.Random(1).sample(range(cluster.ingresses), changes):
        connections = [http.Connection(portico.port, cluster.host(i)) for _ in range(CONNECTIONS)]
        for connection in connections:
            connection.get()
        move_into_place = cluster.prepare_flip(i)
        # Writing the hidden file is an event of its own: let it pass, so that the change comes alone.
        time.sleep(0.02)
        started = time.monotonic()
        move_into_place()
        delays.append(1000 * (wait_for_all(connections, cluster.answer(i)) - started))
        for connection in connections:
            connection.close()
    report.bar("file in place to every worker", report.median(delays), 10, " ms",
               detail=report.spread(delays))


def wait_for_all(connections, wanted):
    """When the last of the connections first gave the new answer; each is asked until it does."""
    deadline = time.monotonic() + 10
    waiting = list(connections)
    while waiting:
        waiting = [connection for connection in waiting if connection.get() != (200, wanted)]
        now = time.monotonic()
        if now > deadline:
            raise Broken("a change was not served within 10 s")
    return now


def measure_churn(portico, cluster, seconds):
    order = random.Random(2).choices(range(cluster.ingresses), k=CHANGES_PER_SECOND * seconds)
    cpu_before = portico.cpu_seconds()
    started = time.monotonic()
    for step, i in enumerate(order):
        cluster.prepare_flip(i)()
        time.sleep(max(0, started + (step + 1) / CHANGES_PER_SECOND - time.monotonic()))
    elapsed = time.monotonic() - started
    used = portico.cpu_seconds() - cpu_before
    last = order[-1]
    served = wait_until(
        lambda: http.get(portico.port, cluster.host(last)) == (200, cluster.answer(last)), 10)
    if not served:
        raise Broken("the last of the changes was never served")
    report.bar(f"CPU of {len(order) / elapsed:.0f} changes a second", 100 * used / elapsed, 20,
               " % of a core", 1)
