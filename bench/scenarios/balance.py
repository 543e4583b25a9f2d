"""Ten endpoints, one of them ten times slower: what each strategy makes of the slowest hundredth of requests."""

import contextlib
import os

from support import manifests, report
from support.programs import Portico
from support.steady_load import Replicas, pause, quantile, service, steady_load

TITLE = "balance: one of ten endpoints ten times slower than the others (10 ms), each serving one request after the other"
STRATEGIES = ("round_robin", "random", "least_requests", "ewma")
FAST = 0.01
CLIENTS = 20  # each asks again as soon as it is answered
ENDPOINTS = 10


def run(options):
    rounds = options.rounds or (1 if options.quick else 3)
    seconds = 3 if options.quick else 10
    found = {strategy: [] for strategy in STRATEGIES}
    with contextlib.ExitStack() as stack:
        replicas = Replicas(stack, options.directory, options.load_cpus, [10 * FAST] + [FAST] * (ENDPOINTS - 1))
        folder = manifests.Folder(os.path.join(options.directory, "balance-manifests"))
        folder.write("service", service("web", replicas.ports()))
        for strategy in STRATEGIES:
            folder.write(strategy, manifests.ingress(strategy.replace("_", "-"), host_of(strategy), "web",
                                                     annotations={"portico.dev/load-balance": strategy}))
        portico = stack.enter_context(Portico(options.build, options.directory, folder.path, cpus=options.proxy_cpus))
        portico.wait_ready()
        for _ in range(rounds):
            for strategy in STRATEGIES:
                with steady_load(portico, host_of(strategy), CLIENTS, 0, options.load_cpus, as_answered=True) as end:
                    pause(seconds)
                    rows = end()
                found[strategy].append((quantile([took for _, took, _ in rows], 0.99), len(rows) / seconds))
    for strategy, rows in found.items():
        report.line(strategy, report.median_and_spread([1000 * p99 for p99, _ in rows], " ms p99", 0)
                    + f", {report.median([rate for _, rate in rows]):.0f} requests a second")
    ratios = [least / even for (least, _), (even, _) in zip(found["least_requests"], found["round_robin"])]
    report.bar("p99, least_requests / round_robin", report.median(ratios), 0.5, detail=report.spread(ratios))


def host_of(strategy):
    return f"{strategy.replace('_', '-')}.balance.example.com"
