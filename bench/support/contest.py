"""Portico, nginx and HAProxy with the same hosts and certificate, measured in turn."""

import contextlib
import os
import subprocess

from support import http, manifests, peers, report
from support.processes import Broken, free_port
from support.programs import Backend, Haproxy, Nginx, Portico

HOST_SUFFIX = ".bench.example.com"
HOST_COUNT = 100
HOSTS = [f"h{i}{HOST_SUFFIX}" for i in range(HOST_COUNT)]
# wrk names itself by the URL's host, which must have an address.
NAMES = ["localhost", "*" + HOST_SUFFIX]
KEYS = {"rsa": ["rsa:2048"], "ecdsa": ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]}


def certificate(directory, kind):
    """(certificate, key, both in one), as files."""
    names = [os.path.join(directory, f"{kind}.{ending}") for ending in ("crt", "key", "pem")]
    subprocess.run(
        ["openssl", "req", "-x509", "-nodes", "-newkey", *KEYS[kind], "-days", "30",
         "-subj", "/CN=bench", "-addext",
         "subjectAltName=" + ",".join(f"DNS:{name}" for name in NAMES),
         "-out", names[0], "-keyout", names[1]], check=True, capture_output=True)
    with open(names[2], "wb") as both:
        for name in names[:2]:
            with open(name, "rb") as part:
                both.write(part.read())
    return names


@contextlib.contextmanager
def contestants(options, kind="ecdsa", body_bytes=1024, **nginx):
    """{name: program}, each with `port` and `https_port`, warm and checked; `nginx`: further settings of its own."""
    directory = os.path.join(options.directory, f"{kind}-{body_bytes}")
    os.makedirs(directory)
    files = certificate(directory, kind)
    with contextlib.ExitStack() as stack:
        backend = stack.enter_context(
            Backend(options.build, directory, body_bytes, cpus=options.load_cpus))
        routes = {host: f"127.0.0.1:{backend.port}" for host in HOSTS}

        def secure():
            return peers.Secure(free_port(), *files)

        def started(program, write, given):
            peer = stack.enter_context(
                program(directory, write(routes, secure=given), options.proxy_cpus))
            peer.https_port = given.port
            return peer

        programs = {
            "nginx": started(Nginx, lambda *a, **more: peers.nginx(*a, **nginx, **more), secure()),
            "haproxy": started(Haproxy, peers.haproxy, secure()),
            "portico": stack.enter_context(start_portico(options, directory, backend, files)),
        }
        programs["portico"].wait_ready()
        for name, program in programs.items():
            check(name, program, body_bytes)
        yield programs


def start_portico(options, directory, backend, files):
    folder = manifests.Folder(os.path.join(directory, "manifests"))
    folder.write("service", manifests.service("app", backend.port))
    folder.write("secret", manifests.tls_secret_of_files("secure", *files[:2]))
    for i, host in enumerate(HOSTS):
        folder.write(f"ingress-{i}", manifests.ingress(
            f"i{i}", host, "app", secret="secure",
            annotations={"nginx.ingress.kubernetes.io/ssl-redirect": "false"}))
    # Another host of the same certificate, so that the name in a handshake has one.
    folder.write("localhost", manifests.ingress("localhost", "localhost", "app", secret="secure"))
    return Portico(options.build, directory, folder.path, workers=1, cpus=options.proxy_cpus)


def check(name, program, body_bytes):
    for host in (HOSTS[0], HOSTS[-1]):
        for port, tls in ((program.port, False), (program.https_port, True)):
            status, body = http.get(port, host, tls)
            if status != 200 or len(body) != body_bytes:
                raise Broken(f"{name} answers {status} with {len(body)} bytes for {host}")


def in_turn(programs, rounds, measure):
    """{name: [what `measure(program)` gave in each round]}; the first of a round changes from round to round."""
    names = list(programs)
    found = {name: [] for name in names}
    for round_number in range(rounds):
        turn = round_number % len(names)
        for name in names[turn:] + names[:turn]:
            found[name].append(measure(programs[name]))
    return found


def print_costs(costs, unit="a request"):
    for name, rounds in costs.items():
        rate = report.median([cost.per_second for cost in rounds])
        busy = report.median([cost.busy for cost in rounds])
        report.line(f"  {name}", report.median_and_spread([cost.cpu_us for cost in rounds], " us")
                    + f" {unit}  {rate:.0f}/s, {busy:.2f} cores busy")


def print_ratio(title, costs, limit):
    """Of CPU, against the better peer of each round."""
    ratios = [mine.cpu_us / min(nginx.cpu_us, haproxy.cpu_us) for mine, nginx, haproxy
              in zip(costs["portico"], costs["nginx"], costs["haproxy"])]
    report.bar(title, report.median(ratios), limit, detail=report.spread(ratios))


def print_speed(title, costs, least):
    """How many more the CPU of the better peer would have made; a bar from below."""
    ratios = [min(nginx.cpu_us, haproxy.cpu_us) / mine.cpu_us for mine, nginx, haproxy
              in zip(costs["portico"], costs["nginx"], costs["haproxy"])]
    report.bar_from_below(title, report.median(ratios), least, detail=report.spread(ratios))
