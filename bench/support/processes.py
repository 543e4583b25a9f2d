"""Starts the programs that are measured, and reads what they cost."""

import os
import re
import signal
import socket
import subprocess
import tempfile
import time

CPUCLOCK_SCHED = 2  # Linux: the clock id of another process's CPU time, in nanoseconds


class Broken(Exception):
    """The benchmark itself could not be carried out; the message says why."""


class Process:
    """A child with its log in a file; used with `with`, and ended by its own id."""

    def __init__(self, arguments, directory, cpus=None):
        self.name = os.path.basename(arguments[0])
        self.log_path = tempfile.mkstemp(prefix=self.name + "-", suffix=".log", dir=directory)[1]
        pin = None if cpus is None else lambda: os.sched_setaffinity(0, cpus)
        with open(self.log_path, "wb") as log:
            self._child = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=pin)
        self.pid = self._child.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._child.poll() is None:
            self._child.send_signal(signal.SIGTERM)
            try:
                self._child.wait(5)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait()

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()

    def wait_for_log(self, pattern, timeout=30):
        """The match of `pattern` in the log, once it is there."""
        found = wait_until(lambda: self._running() and re.search(pattern, self.log()), timeout)
        if not found:
            raise Broken(f"{self.name} never said {pattern!r}:\n{self.log()[-2000:]}")
        return found

    def _running(self):
        if self._child.poll() is not None:
            raise Broken(f"{self.name} ended with {self._child.returncode}:\n{self.log()[-2000:]}")
        return True

    def pids(self):
        """The process and its children (nginx's worker)."""
        with open(f"/proc/{self.pid}/task/{self.pid}/children", encoding="ascii") as children:
            return [self.pid] + [int(pid) for pid in children.read().split()]

    def cpu_seconds(self):
        """User and system time of all threads so far. Exact, where /proc/PID/stat counts in hundredths."""
        return sum(time.clock_gettime((~pid << 3) | CPUCLOCK_SCHED) for pid in self.pids())

    def resident_bytes(self):
        return sum(_status_kib(pid, "VmRSS") for pid in self.pids()) * 1024


def _status_kib(pid, field):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return int(re.search(rf"^{field}:\s+(\d+)", status.read(), re.MULTILINE).group(1))


def wait_until(condition, timeout=30, interval=0.01):
    """The first true value of `condition()`, or None after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(interval)
    return None


def free_port():
    """A port nobody listens on now: nginx and HAProxy cannot be asked to choose one themselves."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port, timeout=30):
    def connects():
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return True
        except OSError:
            return False
    if not wait_until(connects, timeout):
        raise Broken(f"nothing listens on port {port}")


def raise_descriptor_limit():
    import resource
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard
