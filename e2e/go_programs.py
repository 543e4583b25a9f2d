"""Programs written in Go, by others and by us, built from the module in interop/: once for each version of it and of Go.

    python3 e2e/go_programs.py        builds them, for whoever does not want to wait for that in a test
"""

import fcntl
import hashlib
import os
import pathlib
import re
import subprocess

import pytest

MODULE = pathlib.Path(__file__).resolve().parent / "interop"
PACKAGES = {
    "h2spec": "github.com/summerwind/h2spec/cmd/h2spec",
    "grpc-client": "google.golang.org/grpc/interop/client",
    "grpc-server": "google.golang.org/grpc/interop/server",
    "longcall": "./longcall",
    "health": "./health",
}
BUILD = ["go", "build", "-mod=readonly", "-buildvcs=false", "-p", "2", "-ldflags", "-s -w"]
ENVIRONMENT = os.environ | {"GOTOOLCHAIN": "local", "CGO_ENABLED": "0"}


def go_version():
    """As `go env` says it, or None where there is none that can build the module."""
    try:
        told = subprocess.run(["go", "env", "GOVERSION"], capture_output=True, text=True, env=ENVIRONMENT, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    found = re.match(r"go(\d+)\.(\d+)", told)
    return told.strip() if found and (int(found[1]), int(found[2])) >= (1, 24) else None


def folder_of(version):
    sources = [MODULE / "go.mod", *sorted(MODULE.glob("*/*.go"))]
    key = hashlib.sha256(b"".join(path.read_bytes() for path in sources) + version.encode()).hexdigest()[:12]
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache"))
    return cache / "portico" / "e2e" / f"interop-{key}"


def build(version):
    """{name: path}; two runs at once build once."""
    folder = folder_of(version)
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for name, package in PACKAGES.items():
            if not (folder / name).exists():
                fresh = folder / f"{name}.new"
                subprocess.run([*BUILD, "-o", fresh, package], cwd=MODULE, env=ENVIRONMENT, check=True)
                fresh.rename(folder / name)
    return {name: folder / name for name in PACKAGES}


def found():
    """{name: path}; where there is no Go, the test that asks is skipped, or fails where all is required, as in CI."""
    if version := go_version():
        return build(version)
    reason = "Go 1.24 or later is not on PATH"
    if os.environ.get("PORTICO_REQUIRE_ALL"):
        pytest.fail(reason)
    pytest.skip(reason)


if __name__ == "__main__":
    assert (version := go_version()), "Go 1.24 or later is not on PATH"
    build(version)
