"""The Google Benchmark programs that stand beside the code, and matching as a share of a request."""

import json
import os
import re
import subprocess

from support import report
from support.processes import Broken

TITLE = "micro: benchmarks beside the code"
# Matching uniformly over 100,000 hosts: the benchmark's name says so.
MATCHING = re.compile(r"\bmatch.*\b100000\b", re.IGNORECASE)
IN_NANOSECONDS = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}


def run(options):
    programs = options.build.benchmarks()
    if not programs:
        raise Broken(f"no portico_*_benchmark under {options.build.directory}")
    matching = {}
    for program in programs:
        print(f"  {os.path.basename(program)}")
        for name, nanoseconds in results(program, options.quick):
            report.line("  " + name, readable(nanoseconds))
            if MATCHING.search(name):
                matching[name] = nanoseconds
    print_share(matching, options.build)


def results(program, quick):
    """[(name, nanoseconds of CPU an iteration)]"""
    run = subprocess.run(
        [program, "--benchmark_format=json", f"--benchmark_min_time={0.05 if quick else 0.5}"],
        capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise Broken(f"{program} ended with {run.returncode}:\n{run.stderr[-2000:]}")
    found = []
    for entry in json.loads(run.stdout)["benchmarks"]:
        if entry.get("error_occurred"):
            raise Broken(f"{entry['name']}: {entry.get('error_message')}")
        found.append((entry["name"], entry["cpu_time"] * IN_NANOSECONDS[entry["time_unit"]]))
    return found


def readable(nanoseconds):
    for unit in ("s", "ms", "us"):
        if nanoseconds >= IN_NANOSECONDS[unit]:
            return f"{nanoseconds / IN_NANOSECONDS[unit]:.2f} {unit}"
    return f"{nanoseconds:.1f} ns"


def print_share(matching, build):
    remembered = os.path.join(build.cache, "request_cpu_us.json")
    if not matching:
        report.line("matching at 100,000 hosts", "not measured: no benchmark is named so")
        return
    name, nanoseconds = max(matching.items(), key=lambda item: item[1])
    if not os.path.exists(remembered):
        report.line("matching at 100,000 hosts", f"{nanoseconds:.0f} ns ({name}); "
                    "its share of a request is known once the proxy scenario has run")
        return
    with open(remembered, encoding="ascii") as file:
        request_us = json.load(file)
    report.bar("matching at 100,000 hosts", nanoseconds / request_us / 10, 3, " % of a request",
               detail=f"({name}: {nanoseconds:.0f} ns of {request_us:.1f} us)")
