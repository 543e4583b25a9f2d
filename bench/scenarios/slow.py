"""What thousands of slow clients cost a normal one: its latency with and without them, in turn."""

import contextlib
import os
import subprocess
import sys
import time

from support import http, manifests, report
from support.processes import Broken, wait_until
from support.programs import Backend, Portico

TITLE = "slow: a normal client beside 5,000 slow ones"
HOST = "slow.example.com"
LARGE_BYTES = 10_000_000
REQUESTS_PER_SECOND = 500
PROGRAM = os.path.join(os.path.dirname(os.path.dirname(__file__)), "support", "slow_clients.py")


def run(options):
    count = 500 if options.quick else 5000
    rounds = options.rounds or (2 if options.quick else 5)
    seconds = 1 if options.quick else 6
    with contextlib.ExitStack() as stack:
        portico = stack.enter_context(start(stack, options))
        portico.wait_ready()
        latencies(portico, 1)
        found = {"without": [], "with": []}
        for _ in range(rounds):
            found["without"].append(latencies(portico, seconds))
            before = portico.cpu_seconds()
            with slow_clients(portico, count, options.load_cpus):
                check_held(portico, count)
                settle(portico)
                found["with"].append(latencies(portico, seconds))
            used = portico.cpu_seconds() - before
            report.line(f"  round {len(found['with'])}", f"{used:.2f} s of CPU for the slow ones and the normal one")
    for name, part in (("median", 0.5), ("p99", 0.99)):
        for which, rows in found.items():
            report.line(f"{name} {which} slow clients",
                        report.median_and_spread([quantile(row, part) for row in rows], " us", 0))
    p99 = {which: report.median([quantile(row, 0.99) for row in rows]) for which, rows in found.items()}
    report.bar(f"p99 with {count} slow clients / without", p99["with"] / p99["without"], 2)


def start(stack, options):
    small = stack.enter_context(Backend(options.build, options.directory, cpus=options.load_cpus))
    large = stack.enter_context(
        Backend(options.build, options.directory, LARGE_BYTES, cpus=options.load_cpus))
    folder = manifests.Folder(os.path.join(options.directory, "slow-manifests"))
    folder.write("small", manifests.service("small", small.port))
    folder.write("large", manifests.service("large", large.port))
    folder.write("ingress-small", manifests.ingress("small", HOST, "small"))
    folder.write("ingress-large", manifests.ingress("large", f"large-{HOST}", "large"))
    return Portico(options.build, options.directory, folder.path, cpus=options.proxy_cpus)


@contextlib.contextmanager
def slow_clients(portico, count, cpus):
    def prepare():
        if cpus is not None:
            os.sched_setaffinity(0, cpus)
        os.nice(19)  # on the normal client's core they give way to it

    clients = subprocess.Popen([sys.executable, PROGRAM, str(portico.port), HOST, str(count)],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=prepare)
    try:
        if clients.stdout.readline() != f"open {count}\n":
            raise Broken("the slow clients could not be opened")
        yield
    finally:
        clients.stdin.close()
        clients.wait(30)
        clients.stdout.close()


def check_held(portico, count):
    """They are there: most of the program's descriptors are theirs."""
    def held():
        return len(os.listdir(f"/proc/{portico.pid}/fd"))
    if not wait_until(lambda: held() >= count, 10):
        raise Broken(f"only {held()} descriptors are open with {count} slow clients")


def settle(portico):
    """Until their arrival is over: being slow is measured, not 5,000 connections at once."""
    def calm():
        before = portico.cpu_seconds()
        time.sleep(0.5)
        return portico.cpu_seconds() - before < 0.1
    if not wait_until(calm, 30):
        report.line("  not calm", "the slow clients take more than a fifth of a core")


def latencies(portico, seconds):
    """Microseconds of each request of one client that asks at a steady pace, on one connection; counted from when it
    was due, so that one that is held up tells of those behind it too."""
    connection = http.Connection(portico.port, HOST)
    found = []
    begin = time.monotonic()
    for number in range(seconds * REQUESTS_PER_SECOND):
        due = begin + number / REQUESTS_PER_SECOND
        time.sleep(max(0, due - time.monotonic()))
        status, _ = connection.get()
        found.append((time.monotonic() - due) * 1e6)
        if status != 200:
            raise Broken(f"the normal client was answered {status}")
    connection.close()
    return found


def quantile(values, part):
    return sorted(values)[int(part * (len(values) - 1))]
