"""Backends that fail: a process that is killed, frozen and comes back, and scripts of faults for `backends.Capture`."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading

import backends
import portico
import whole_answers


class Replica:
    """An echo process on a port that stays its own, so that it can come back there."""

    def __init__(self, name):
        self.name = name
        self.port = portico.free_port()
        self._process = self._started()

    def command(self):
        return [backends.ECHO_BINARY, "--listen", f"127.0.0.1:{self.port}", "--name", self.name]

    def _started(self):
        process = subprocess.Popen(self.command(), stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline(), "it does not listen"
        return process

    def kill(self):
        """SIGKILL: the kernel resets its connections and refuses new ones."""
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()

    def come_back(self):
        self._process = self._started()

    def freeze(self):
        """The kernel goes on accepting connections and what is sent on them; nothing is answered."""
        self._process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED)  # the signal may find it at work

    def thaw(self):
        self._process.send_signal(signal.SIGCONT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()


class WholeReplica(Replica):
    """No fault finds it in the middle of an answer (whole_answers.py)."""

    def command(self):
        return [sys.executable, whole_answers.__file__, str(self.port), self.name]


def answer(status=200, body=b"ok", reason="Scripted"):
    return f"HTTP/1.1 {status} {reason}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def named(name, status=200):
    """An answer that says who gives it, as the echo backend does."""
    return answer(status, json.dumps({"pod": name}).encode())


def hang(connection):
    """Reads whatever comes until the other side goes, and says nothing."""
    while connection.fill():
        pass
    return True


def reset_behind(begin):
    """Sends `begin` and resets the connection."""

    def act(connection):
        connection.send(begin)
        connection.reset()
        return True

    return act


def half_close_behind(begin):
    """Sends `begin` and that it sends nothing more, and goes on reading."""

    def act(connection):
        connection.send(begin)
        with contextlib.suppress(OSError):
            connection.socket.shutdown(socket.SHUT_WR)
        return hang(connection)

    return act


def silent_behind(begin):
    """Sends `begin` and nothing more, and keeps the connection."""

    def act(connection):
        connection.send(begin)
        return hang(connection)

    return act


def in_pieces(data, gate):
    """Sends `data` byte by byte, each when `gate` (a Semaphore) is released once more."""

    def act(connection):
        for place in range(len(data)):
            gate.acquire(timeout=portico.PATIENCE)
            connection.send(data[place : place + 1])

    return act


def slow(data, seconds):
    """Takes its time."""

    def act(connection):
        threading.Event().wait(seconds)
        connection.send(data)

    return act


class Burst:
    """Answers `good`, and while `failing` every fifth time `bad`."""

    def __init__(self, good, bad, every=5):
        self.failing = False
        self.failures = 0
        self._good, self._bad, self._every = good, bad, every
        self._asked = 0
        self._lock = threading.Lock()

    def __call__(self, connection):
        with self._lock:
            self._asked += 1
            fails = self.failing and self._asked % self._every == 0
            self.failures += fails
        connection.send(self._bad if fails else self._good)


class Held:
    """Answers when it is let go, or does `then`; tells when somebody asks."""

    def __init__(self, data=backends.OK, then=None):
        self._then = then or (lambda connection: connection.send(data))
        self._go = threading.Event()
        self._asked = threading.Semaphore(0)

    def __call__(self, connection):
        self._asked.release()
        self._go.wait(portico.PATIENCE)
        return self._then(connection)

    def wait(self):
        assert self._asked.acquire(timeout=portico.PATIENCE), "nobody asked"

    def let_go(self):
        self._go.set()
