"""Load by wrk, and what it cost the program under it."""

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


@dataclass
class Cost:
    cpu_us: float  # user and system time of the program, a request
    per_second: float
    busy: float  # cores used
    p99_us: int


def wrk(port, seconds, shape):
    pin = None if shape.cpus is None else lambda: os.sched_setaffinity(0, shape.cpus)
    run = subprocess.run(
        ["wrk", "-t1", f"-c{shape.connections}", f"-d{seconds}s", "-s", SCRIPT,
         f"http://127.0.0.1:{port}/", "--", str(shape.host_count), shape.host_suffix,
         shape.head],
        capture_output=True, text=True, preexec_fn=pin, check=False)
    found = re.search(r"^RESULT (.*)$", run.stdout, re.MULTILINE)
    if run.returncode != 0 or not found:
        raise Broken(f"wrk failed:\n{run.stdout}{run.stderr}")
    result = json.loads(found.group(1))
    if result["errors"] > 0 or result["requests"] == 0:
        raise Broken(f"wrk counted errors or no answers: {result}")
    return result


def cost_under_load(process, seconds, shape):
    before = process.cpu_seconds()
    result = wrk(process.port, seconds, shape)
    used = process.cpu_seconds() - before
    return Cost(cpu_us=used * 1e6 / result["requests"],
                per_second=result["requests"] / result["seconds"],
                busy=used / result["seconds"], p99_us=result["p99_us"])
