"""Fixtures every test of the program may use."""

import contextlib
import os
import pathlib
import socket

import backends
import go_programs
import manifests
import portico
import pytest


def pytest_runtest_logreport(report):
    """Tests that needed a second try (see `e2e_suite` in dev) are told where the verdict is."""
    if report.outcome == "rerun" and "PORTICO_RESULTS" in os.environ:
        name = f"e2e-{os.environ.get('PORTICO_PRESET', 'debug')}.unsteady"
        with open(pathlib.Path(os.environ["PORTICO_RESULTS"]) / name, "a") as unsteady:
            print(report.nodeid, file=unsteady)


@pytest.fixture(scope="session")
def echoes():
    """Three echo backends, a, b and c."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(backends.Echo(name)) for name in "abc"]


@pytest.fixture(scope="session")
def echo(echoes):
    return echoes[0]


@pytest.fixture(scope="session")
def refused_port():
    """Bound, but nobody listens: so nobody else gets it."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


@pytest.fixture(scope="module")
def capture():
    with backends.Capture() as backend:
        yield backend


@pytest.fixture
def recorded(capture):
    """The capture backend, answering 200 and remembering nothing of earlier tests."""
    capture.play()
    return capture


@pytest.fixture(scope="module")
def module_folder(tmp_path_factory):
    return manifests.Folder(tmp_path_factory.mktemp("manifests")).write("class.yaml", manifests.ingress_class())


@pytest.fixture
def folder(tmp_path):
    return manifests.Folder(tmp_path / "manifests").write("class.yaml", manifests.ingress_class())


@pytest.fixture(scope="module")
def plain(module_folder, echo, capture):
    """Portico with echo.test in front of an echo backend and capture.test in front of the capture backend."""
    module_folder.write("services.yaml", *manifests.served("echo", echo.port), *manifests.served("capture", capture.port))
    module_folder.write(
        "ingress.yaml",
        manifests.ingress(
            "plain",
            manifests.rule("echo.test", manifests.path("/", "echo")),
            manifests.rule("capture.test", manifests.path("/", "capture")),
        ),
    )
    with portico.Portico(module_folder) as program:
        yield program


@pytest.fixture(scope="session")
def go_programs_built():
    """{name: path} of the programs of go_programs.py."""
    return go_programs.found()
