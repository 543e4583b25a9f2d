"""The steady load of steady_client.py, and what it saw; and the replicas that it is led to."""

import contextlib
import os
import signal
import subprocess
import sys
import time

from support import manifests
from support.processes import Broken, Process, wait_for_port

FOLDER = os.path.dirname(os.path.abspath(__file__))


class Replica(Process):
    """`seconds`: how long it serves each request, one after the other; 0: as fast as it can."""

    def __init__(self, directory, cpus=None, seconds=0, port=0):
        super().__init__([sys.executable, os.path.join(FOLDER, "replica.py"), str(port), str(seconds)], directory, cpus)
        self.port = int(self.wait_for_log(r"^(\d+)\n").group(1))

    def send(self, number):
        os.kill(self.pid, number)

    def kill(self):
        self.send(signal.SIGKILL)
        self._child.wait()


class Replicas:
    """Those of a backend, each at a place of its own; a place's replica can be another one after a while."""

    def __init__(self, stack, directory, cpus, seconds):
        self._stack = stack
        self._directory = directory
        self._cpus = cpus
        self.at = [stack.enter_context(Replica(directory, cpus, one)) for one in seconds]

    def ports(self):
        return [replica.port for replica in self.at]

    def revive(self, place):
        """The killed one is started again at its port."""
        self.at[place] = self._stack.enter_context(Replica(self._directory, self._cpus, port=self.at[place].port))
        wait_for_port(self.at[place].port)

    def replace(self, place):
        """Another one at another port; the old one is returned."""
        old = self.at[place]
        self.at[place] = self._stack.enter_context(Replica(self._directory, self._cpus))
        return old


def service(name, ports):
    """A Service and an EndpointSlice for each of the ports."""
    parts = manifests.service(name, ports[0]).split("---\n")
    slices = [parts[1].replace(f"port: {ports[0]}", f"port: {port}").replace(f"name: {name}-1", f"name: {name}-{place}")
              for place, port in enumerate(ports)]
    return "---\n".join([parts[0], *slices])


@contextlib.contextmanager
def steady_load(portico, host, clients, rate, cpus=None, as_answered=False):
    """Yields a function that ends the load and gives its requests: (began, seconds, status), by `began`."""
    program = [sys.executable, os.path.join(FOLDER, "steady_client.py"), str(portico.port), host, str(clients), str(rate)]
    pin = None if cpus is None else lambda: os.sched_setaffinity(0, cpus)
    child = subprocess.Popen(program + (["--as-answered"] if as_answered else []), stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, text=True, preexec_fn=pin)

    def end():
        text, _ = child.communicate()
        if child.returncode != 0:
            raise Broken("the steady client failed")
        rows = [(float(began), float(took), int(status)) for began, took, status in map(str.split, text.splitlines())]
        return sorted(rows)

    try:
        yield end
    finally:
        if child.poll() is None:
            child.kill()
            child.communicate()


def quantile(values, part):
    return sorted(values)[int(part * (len(values) - 1))]


def pause(seconds):
    """Lets the load run: what is measured is what happens meanwhile."""
    time.sleep(seconds)
