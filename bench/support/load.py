"""Load by wrk, h2load and our own handshakes, and what it cost the program under it."""

import json
import os
import re
import subprocess
from dataclasses import dataclass

from support.processes import Broken

SCRIPT = os.path.join(os.path.dirname(__file__), "wrk.lua")


@dataclass
class Shape:
    connections: int
    host_count: int
    host_suffix: str
    head: str  # "browser" or "bare": what wrk.lua puts beside Host
    cpus: set | None
    scheme: str = "http"


@dataclass
class Cost:
    cpu_us: float  # user and system time of the program, a request
    per_second: float
    busy: float  # cores used
    p99_us: int | None = None


def _run(command, cpus):
    pin = None if cpus is None else lambda: os.sched_setaffinity(0, cpus)
    return subprocess.run(command, capture_output=True, text=True, preexec_fn=pin, check=False)


def wrk(port, seconds, shape):
    name = "localhost" if shape.scheme == "https" else "127.0.0.1"  # a server name is no address
    run = _run(["wrk", "-t1", f"-c{shape.connections}", f"-d{seconds}s", "-s", SCRIPT,
                f"{shape.scheme}://{name}:{port}/", "--", str(shape.host_count),
                shape.host_suffix, shape.head], shape.cpus)
    found = re.search(r"^RESULT (.*)$", run.stdout, re.MULTILINE)
    if run.returncode != 0 or not found:
        raise Broken(f"wrk failed:\n{run.stdout}{run.stderr}")
    result = json.loads(found.group(1))
    if result["errors"] > 0 or result["requests"] == 0:
        raise Broken(f"wrk counted errors or no answers: {result}")
    return result


def h2load(port, seconds, host, connections, streams, cpus):
    """The same keys as wrk's, without latencies: h2load prints no quantiles."""
    run = _run(["h2load", "-t1", f"-c{connections}", f"-m{streams}", f"-D{seconds}",
                f"--connect-to=127.0.0.1:{port}", f"https://{host}/"], cpus)
    counts = dict((name, int(number)) for number, name in
                  re.findall(r"(\d+) (succeeded|failed|errored|timeout|[2-5]xx)", run.stdout))
    if run.returncode != 0 or not counts.get("succeeded") or "Application protocol: h2" not in run.stdout:
        raise Broken(f"h2load failed:\n{run.stdout}{run.stderr}")
    if counts["failed"] or counts["errored"] or counts["3xx"] or counts["4xx"] or counts["5xx"]:
        raise Broken(f"h2load counted errors: {counts}")
    return {"requests": counts["succeeded"], "seconds": seconds, "p99_us": None}


def handshakes(program, port, seconds, host, threads, cpus):
    run = _run([program, str(port), host, str(seconds), str(threads)], cpus)
    if run.returncode != 0 or int(run.stdout) == 0:
        raise Broken(f"handshakes failed:\n{run.stdout}{run.stderr}")
    return {"requests": int(run.stdout), "seconds": seconds, "p99_us": None}


def cost_of(process, load):
    """What `process` used while `load()` ran."""
    before = process.cpu_seconds()
    result = load()
    used = process.cpu_seconds() - before
    return Cost(cpu_us=used * 1e6 / result["requests"],
                per_second=result["requests"] / result["seconds"],
                busy=used / result["seconds"], p99_us=result["p99_us"])


def cost_under_load(process, seconds, shape):
    return cost_of(process, lambda: wrk(process.port, seconds, shape))
