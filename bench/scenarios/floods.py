"""HTTP/2 floods (e2e/floods.py has them): what each costs the other clients, and how much memory it takes."""

import contextlib
import itertools
import multiprocessing
import os
import sys
import time

from support import load, manifests, report
from support.programs import Backend, Portico
from scenarios.memory import ResidentPeak

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "e2e"))
import floods  # noqa: E402

TITLE = "floods: HTTP/2 floods beside 32 normal clients"
HOST_SUFFIX = ".floods.example.com"
HOST = "h0" + HOST_SUFFIX
LARGE = "large" + HOST_SUFFIX
LARGE_BYTES = 1_000_000
CONNECTIONS = 32
ATTACKERS = 8
PAUSE_SECONDS = 0.1  # before one that was cut off comes back
GROWTH_MB, FALL_PERCENT = 20, 20


def run(options):
    rounds = options.rounds or (1 if options.quick else 5)
    seconds = 1 if options.quick else 2
    shape = load.Shape(CONNECTIONS, 1, HOST_SUFFIX, "browser", options.load_cpus)
    with contextlib.ExitStack() as stack:
        portico = stack.enter_context(start(stack, options))
        portico.wait_ready()
        load.wrk(portico.port, 1, shape)
        for flood in floods.FLOODS:
            measure(options, portico, flood, rounds, seconds, shape)


def start(stack, options):
    small = stack.enter_context(Backend(options.build, options.directory, cpus=options.load_cpus))
    large = stack.enter_context(
        Backend(options.build, options.directory, LARGE_BYTES, cpus=options.load_cpus))
    folder = manifests.Folder(os.path.join(options.directory, "flood-manifests"))
    for name, host, backend in (("small", HOST, small), ("large", LARGE, large)):
        folder.write(name, manifests.service(name, backend.port))
        folder.write(f"ingress-{name}", manifests.ingress(name, host, name))
    return Portico(options.build, options.directory, folder.path, cpus=options.proxy_cpus)


def measure(options, portico, flood, rounds, seconds, shape):
    """What the normal clients are answered for a second of Portico's CPU, without the flood and with it, in turn."""
    falls, slower, growths, ended = [], [], [], 0

    def normal_clients():
        return load.cost_of(portico, lambda: load.wrk(portico.port, seconds, shape))

    for _ in range(rounds):
        without = normal_clients()
        with ResidentPeak(portico) as peak, attackers(options, portico, flood) as count:
            during = normal_clients()
        ended += count.value
        falls.append(100 * (1 - without.cpu_us / during.cpu_us))
        slower.append(100 * (1 - during.per_second / without.per_second))
        growths.append(peak.growth() / 1e6)
    name = floods.name_of(flood)
    report.bar(f"{name}: growth", max(growths), GROWTH_MB, " MB", 1)
    report.bar(f"{name}: others' fall", report.median(falls), FALL_PERCENT, " %", 0,
               detail=f"{ended} connections ended, {report.spread(falls, 0)}, "
                      f"wrk saw {report.median(slower):.0f} %")


@contextlib.contextmanager
def attackers(options, portico, flood):
    """ATTACKERS connections that flood for as long as the body runs; how many the server ended."""
    fork = multiprocessing.get_context("fork")
    count, over = fork.Value("i", 0), fork.Event()
    process = fork.Process(target=attack, args=(portico.port, flood, options.load_cpus, count, over))
    process.start()
    try:
        yield count
    finally:
        over.set()
        process.join(20)
        process.kill()


def attack(port, flood, cpus, count, over):
    """Turn by turn, so that one process of little CPU plays them all."""
    if cpus is not None:
        os.sched_setaffinity(0, cpus)
    os.nice(19)  # it shares a core with wrk and the backend, which should not be what is measured
    authority = HOST if flood.ended else LARGE
    target = floods.Target(authority, "http")
    running = {slot: None for slot in range(ATTACKERS)}
    back_at = dict.fromkeys(running, 0.0)
    for slot in itertools.cycle(running):
        if over.is_set():
            return
        if running[slot] is None:
            if time.monotonic() < back_at[slot]:
                time.sleep(PAUSE_SECONDS / ATTACKERS / 4)
                continue
            running[slot] = floods.Attack(("127.0.0.1", port), flood, target)
        running[slot].run(0.01)
        if running[slot].ended:
            running[slot].close()
            running[slot], back_at[slot] = None, time.monotonic() + PAUSE_SECONDS
            count.value += 1
