"""Starts and stops the real program, and says what it said."""

import contextlib
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = (ROOT / os.environ.get("PORTICO_BIN", "build/debug/portico")).resolve()
SANITIZED = os.environ.get("PORTICO_PRESET", "") in ("asan", "tsan")
LONG_TESTS = "PORTICO_LONG_TESTS" in os.environ

LISTENING = re.compile(r"listening (http|https|admin) (\S+):(\d+)")
SANITIZER_REPORT = re.compile(r"(Address|Thread|Leak|UndefinedBehavior)Sanitizer|runtime error:")
# How long something may take that takes a moment, and a command that ends by itself. No test is about them: a machine may be
# ten times slower than one thinks, and busy.
PATIENCE = 60
COMMAND_SECONDS = 300
# What does not come in these answers yet is not there yet.
NOT_YET = (AssertionError, OSError, ValueError, LookupError)


def eventually(check, seconds=PATIENCE, what="the condition"):
    """Polls until `check` returns something true, and returns that; a failure inside counts as not yet.

    Of a change it tells that *one* worker serves by it. See Portico.in_effect() for all of them.
    """
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while True:
        failure = None
        try:
            result = check()
        except NOT_YET as error:
            result, failure = None, error
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true in {seconds} s") from failure
        pause.wait(0.01)


def free_port(*wanted):
    """`wanted` where it is free, else any: only for what must be known before the start, as public ports are.

    Of those that the kernel gives to nobody, so that it is still free when its user binds it.
    """
    given_from = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    others = range(10_000, given_from)
    for port in (*wanted, *random.sample(others, min(100, len(others))), 0):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)) as server:
            return server.getsockname()[1]
    raise AssertionError("no free port")


def environment():
    return os.environ | {
        "ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=0:exitcode=99",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "TSAN_OPTIONS": "exitcode=99:second_deadlock_stack=1",
    }


def run(*arguments, seconds=COMMAND_SECONDS, under=()):
    """A command that ends by itself: check, explain, version, or a start that is refused."""
    return subprocess.run(
        [*under, BINARY, *map(str, arguments)], capture_output=True, text=True, timeout=seconds, env=environment(), check=False
    )


class Portico:
    """`portico serve` on ports of its own. As a context manager it also asserts a clean end."""

    def __init__(self, manifests, *flags, ready=True, under=(), variables=None):
        """`under`: a command that runs the program as its last words; `variables`: further ones of its environment."""
        self.addresses = {}
        self.lines = []
        self._changed = threading.Condition()
        command = [*under, BINARY, "serve", "--manifests", manifests, *flags]
        for name in ("http", "https", "admin"):
            if not any(str(flag).startswith(f"--{name}-address") for flag in flags):
                command += [f"--{name}-address", "127.0.0.1:0"]
        if "--workers" not in flags:
            command += ["--workers", "2"]
        self.process = subprocess.Popen(
            list(map(str, command)),
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env=environment() | (variables or {}),
        )
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()
        try:
            self._await_listeners()
            if ready:
                eventually(self.is_ready, what="readiness")
        except AssertionError as error:
            self.process.kill()
            raise AssertionError(f"{error}; its log:\n{self.log()}") from None

    def _read_log(self):
        for line in self.process.stderr:
            with self._changed:
                self.lines.append(line.rstrip("\n"))
                if match := LISTENING.search(line):
                    self.addresses[match[1]] = (match[2].strip("[]"), int(match[3]))
                self._changed.notify_all()

    def _await_listeners(self):
        def told():
            return len(self.addresses) == 3 or self.process.poll() is not None

        with self._changed:
            assert self._changed.wait_for(told, PATIENCE) and len(self.addresses) == 3, "not all listeners came up"

    @property
    def http(self):
        return self.addresses["http"]

    @property
    def https(self):
        return self.addresses["https"]

    @property
    def pid(self):
        return self.process.pid

    def log(self):
        with self._changed:
            return "\n".join(self.lines)

    def wait_for_log(self, pattern, seconds=PATIENCE):
        def found():
            return next((line for line in self.lines if re.search(pattern, line)), None)

        with self._changed:
            assert self._changed.wait_for(found, seconds), f"no line with {pattern!r} in:\n" + "\n".join(self.lines)
            return found()

    def admin(self, path):
        """Status and text of an admin page."""
        host, port = self.addresses["admin"]
        try:
            with urllib.request.urlopen(f"http://{host}:{port}{path}", timeout=PATIENCE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def is_ready(self):
        return self.process.poll() is None and self.admin("/readyz")[0] == 200

    def metrics(self):
        """Every sample of /metrics: {'name{labels}': value}."""
        samples = {}
        for line in self.admin("/metrics")[1].splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                samples[name] = float(value)
        return samples

    def metric(self, name):
        """The sum of a family's samples."""
        return sum(value for key, value in self.metrics().items() if key.split("{")[0] == name)

    def in_effect(self, check, what="the change"):
        """Polls until `check` is true, and then until what it saw of one worker holds for all of them.

        The controller hands a change to one worker after the other, in one task; /metrics asks each worker, and then passes
        by the controller. So behind the first answer the task is done, and behind the second so is each worker.
        """
        eventually(check, what=what)
        for _ in range(2):
            self.metrics()

    def resident_bytes(self):
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, seconds=PATIENCE):
        code = self.process.wait(seconds)
        self._reader.join(PATIENCE)
        return code

    def stop(self):
        """SIGTERM, a drain without waiting for anybody, exit 0, no sanitizer's complaint."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        try:
            code = self.wait()
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"did not end after SIGTERM; its log:\n{self.log()}") from None
        assert not SANITIZER_REPORT.search(self.log()), self.log()
        assert code == 0, f"ended with {code}; its log:\n{self.log()}"

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is None:
            self.stop()
            return
        ended = self.process.poll()
        self.process.kill()
        self.wait()
        print(self.log())
        assert not SANITIZER_REPORT.search(self.log()), self.log()
        assert ended is None, f"ended with {ended} before its test did; its log:\n{self.log()}"
