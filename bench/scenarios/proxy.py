"""CPU a proxied request: Portico beside nginx, HAProxy and the bare relay, under the same load."""

import contextlib
import json
import os

from support import http, load, manifests, peers, report
from support.processes import Broken
from support.programs import Backend, Haproxy, Nginx, Portico, Relay

TITLE = "proxy: CPU a proxied request"
HOST_COUNT = 1000
HOST_SUFFIX = ".bench.example.com"
CONNECTIONS = 64
HOSTS = [f"h{i}{HOST_SUFFIX}" for i in range(HOST_COUNT)]


def run(options):
    rounds = options.rounds or (3 if options.quick else 11)
    seconds = 1 if options.quick else 3
    with contextlib.ExitStack() as stack:
        programs = start(stack, options)
        shape = load.Shape(CONNECTIONS, HOST_COUNT, HOST_SUFFIX,
                           "bare" if options.bare else "browser", options.load_cpus)
        costs = measure(programs, rounds, seconds, shape)
    print_costs(costs)
    if "portico" in costs:
        print_ratios(costs)
        if not options.quick:
            remember(options.build, costs["portico"])


def start(stack, options):
    build, directory, cpus = options.build, options.directory, options.proxy_cpus
    backend = stack.enter_context(Backend(
        build, directory, host_count=HOST_COUNT if options.own_services else 1,
        cpus=options.load_cpus))
    routes = {host: f"{backend.hosts[i % len(backend.hosts)]}:{backend.port}"
              for i, host in enumerate(HOSTS)}
    programs = {
        "relay": lambda: Relay(build, directory, backend.port, cpus),
        "nginx": lambda: Nginx(directory, peers.nginx(routes), cpus),
        "haproxy": lambda: Haproxy(directory, peers.haproxy(routes), cpus),
        "portico": lambda: start_portico(options, backend),
    }
    if not os.path.exists(build.portico):
        report.line("portico", f"not measured: {build.portico} is not there")
        del programs["portico"]
    started = {name: stack.enter_context(program()) for name, program in programs.items()}
    for name, program in started.items():
        check_hosts(name, program.port)
    return started


def start_portico(options, backend):
    folder = manifests.Folder(os.path.join(options.directory, "proxy-manifests"))
    for i, address in enumerate(backend.hosts):
        folder.write(f"service-{i}", manifests.service(f"app{i}", backend.port, address))
    for i, host in enumerate(HOSTS):
        service = f"app{i % len(backend.hosts)}"
        folder.write(f"ingress-{i}", manifests.ingress(f"i{i}", host, service))
    portico = Portico(options.build, options.directory, folder.path, workers=1,
                      cpus=options.proxy_cpus)
    return portico.wait_ready()


def check_hosts(name, port):
    """Every proxy serves every host it is sent, and no other."""
    for host in (HOSTS[0], HOSTS[-1]):
        status, body = http.get(port, host)
        if status != 200 or len(body) != 1024:
            raise Broken(f"{name} answers {status} with {len(body)} bytes for {host}")
    if name != "relay" and http.get(port, "stranger.example.com")[0] != 404:
        raise Broken(f"{name} serves a host it was not given")


def measure(programs, rounds, seconds, shape):
    """{name: [Cost of each round]}; the order moves on by one each round, so that none is always first."""
    names = list(programs)
    costs = {name: [] for name in names}
    for name in names:
        load.wrk(programs[name].port, 1, shape)
    for round_number in range(rounds):
        turn = round_number % len(names)
        for name in names[turn:] + names[:turn]:
            costs[name].append(load.cost_under_load(programs[name], seconds, shape))
    return costs


def print_costs(costs):
    for name, rounds in costs.items():
        busy = report.median([cost.busy for cost in rounds])
        rate = report.median([cost.per_second for cost in rounds])
        p99 = report.median([cost.p99_us for cost in rounds])
        report.line(name, report.median_and_spread([cost.cpu_us for cost in rounds], " us")
                    + f"  {rate:.0f}/s, {busy:.2f} cores busy, p99 {p99 / 1000:.1f} ms")


def print_ratios(costs):
    portico = [cost.cpu_us for cost in costs["portico"]]
    peers_best = [min(nginx.cpu_us, haproxy.cpu_us)
                  for nginx, haproxy in zip(costs["nginx"], costs["haproxy"])]
    relay = [cost.cpu_us for cost in costs["relay"]]
    for name, others, limit in (("portico / best of nginx, haproxy", peers_best, 0.70),
                                ("portico / relay", relay, 1.6)):
        ratios = [mine / other for mine, other in zip(portico, others)]
        report.bar(name, report.median(ratios), limit, detail=report.spread(ratios))


def remember(build, rounds):
    """For the micro scenario, which states matching as a share of a request."""
    with open(os.path.join(build.cache, "request_cpu_us.json"), "w", encoding="ascii") as file:
        json.dump(report.median([cost.cpu_us for cost in rounds]), file)
