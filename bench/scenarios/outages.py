"""Three endpoints under steady load, and what befalls them: how many requests fail, how soon latency is as before."""

import contextlib
import os
import signal
import time

from support import manifests, report
from support.programs import Portico
from support.steady_load import Replicas, pause, quantile, service, steady_load

TITLE = "outages: three endpoints under steady load, one of which is killed, fails, hangs; all are rolled"
HOST = "outages.example.com"
CLIENTS = 32
RATE = 400
WINDOW = 0.25  # seconds; 100 requests
READ_TIMEOUT = 1
# As before: below twice the p99 of the seconds before, or within what the client's own machine adds at times.
FACTOR = 2
ALLOWANCE = 0.010
ANNOTATIONS = {
    "portico.dev/proxy-read-timeout": str(READ_TIMEOUT),
    "portico.dev/proxy-next-upstream": "error timeout http_503",
}


def run(options):
    quiet = 2 if options.quick else 5
    with contextlib.ExitStack() as stack:
        replicas = Replicas(stack, options.directory, options.load_cpus, (0, 0, 0))
        folder = manifests.Folder(os.path.join(options.directory, "outages-manifests"))
        folder.write("service", service("web", replicas.ports()))
        folder.write("ingress", manifests.ingress("web", HOST, "web", annotations=ANNOTATIONS))
        portico = stack.enter_context(Portico(options.build, options.directory, folder.path, workers=2, cpus=options.proxy_cpus))
        portico.wait_ready()
        for name, outage in OUTAGES.items():
            with steady_load(portico, HOST, CLIENTS, RATE, options.load_cpus) as end:
                pause(quiet)
                began = time.monotonic()
                outage(replicas, folder)
                over = time.monotonic()
                pause(quiet)
                judge(name, end(), began, over)


def kill(replicas, _folder):
    replicas.at[0].kill()


def revive(replicas, _folder):
    replicas.revive(0)


def roll(replicas, folder):
    """As a Deployment does it: a new one is ready, the old one leaves, and ends a moment later."""
    for place in range(3):
        old = replicas.replace(place)
        folder.write("service", service("web", replicas.ports()))
        pause(0.5)
        old.kill()


def burst(replicas, _folder):
    replicas.at[1].send(signal.SIGUSR1)


def no_burst(replicas, _folder):
    replicas.at[1].send(signal.SIGUSR2)


def freeze(replicas, _folder):
    replicas.at[2].send(signal.SIGSTOP)


def thaw(replicas, _folder):
    replicas.at[2].send(signal.SIGCONT)


OUTAGES = {
    "killed": kill,
    "back": revive,
    "rolled, all three": roll,
    "a fifth of one's answers 503": burst,
    "well again": no_burst,
    "one hangs": freeze,
    "goes on": thaw,
}


def judge(name, rows, began, over):
    failed = sum(status != 200 for _, _, status in rows)
    before = [took for start, took, _ in rows if start < began]
    usual = quantile(before, 0.99)
    limit = max(FACTOR * usual, usual + ALLOWANCE)
    worst = max(took for start, took, _ in rows if start >= began)
    report.bar(f"{name}: failed of {len(rows)}", failed, 0, digits=0)
    report.bar(f"{name}: p99 as before after", normal_after(rows, began, over, limit), 2, " s",
               detail=f"(p99 before {1000 * usual:.1f} ms, slowest since {1000 * worst:.0f} ms)")


def normal_after(rows, began, over, limit):
    """Seconds from `over` until the end of the last window whose p99 is above the limit; requests count from when they began."""
    windows = {}
    for start, took, _ in rows:
        if start >= began:
            windows.setdefault(int((start - began) / WINDOW), []).append(took)
    late = [number for number, taken in windows.items() if quantile(taken, 0.99) > limit]
    return max(0, began + (max(late, default=-1) + 1) * WINDOW - over)
