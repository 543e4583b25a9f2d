"""Client programs and libraries that people use, beside curl."""

import asyncio
import os
import re
import subprocess

import certificates
import portico
import pytest
import websockets
from manifests import ingress, path, rule, served, tls_secret


@pytest.fixture(scope="module")
def pair():
    return certificates.self_signed("echo.test")


@pytest.fixture(scope="module")
def program(module_folder, echo, pair):
    module_folder.write("echo.yaml", *served("echo", echo.port)).write("secret.yaml", tls_secret("pair", pair))
    annotations = {"ssl-redirect": "false"}
    rules = rule("echo.test", path("/", "echo"))
    module_folder.write("ingress.yaml", ingress("echo", rules, tls={"pair": ["echo.test"]}, annotations=annotations))
    with portico.Portico(module_folder) as running:
        yield running


def connect(program, pair, scheme):
    host, port = program.https if scheme == "wss" else program.http
    more = {"ssl": pair.context(), "server_hostname": "echo.test"} if scheme == "wss" else {}
    return websockets.connect(f"{scheme}://echo.test/chat", host=host, port=port, max_size=None, open_timeout=portico.PATIENCE, ping_interval=None, **more)


async def returned(connection, message):
    await connection.send(message)
    return await connection.recv()


@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_websocket_messages_of_all_sizes_come_back(program, pair, scheme):
    async def talk():
        async with connect(program, pair, scheme) as connection:
            for size in (0, 1, 125, 126, 65535, 65536, 1 << 20):
                message = os.urandom(size)
                assert await returned(connection, message) == message
            assert await returned(connection, "words: äöü") == "words: äöü"
        assert connection.close_code == 1000

    asyncio.run(asyncio.wait_for(talk(), portico.COMMAND_SECONDS))


def test_websockets_side_by_side_do_not_mix(program, pair):
    async def talk(number):
        async with connect(program, pair, "ws") as connection:
            for turn in range(20):
                assert await returned(connection, f"{number}/{turn}") == f"{number}/{turn}"

    async def all_of_them():
        await asyncio.gather(*(talk(number) for number in range(50)))

    asyncio.run(asyncio.wait_for(all_of_them(), portico.COMMAND_SECONDS))


@pytest.mark.parametrize("flags", [[], ["-k"], ["-k", "-i"]], ids=["a connection each", "kept", "kept, HEAD"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_ab_finds_no_failed_request(program, scheme, flags):
    """ab speaks HTTP/1.0, and kept connections by asking for them."""
    host, port = program.https if scheme == "https" else program.http
    # What differs from answer to answer in length is a failure to ab, so the body is of one length.
    url = f"{scheme}://{host}:{port}/?bytes=5000"
    command = ["ab", "-q", "-n", "500", "-c", "10", "-s", str(portico.PATIENCE), *flags, "-H", "Host: echo.test", url]
    result = subprocess.run(command, capture_output=True, text=True, timeout=portico.COMMAND_SECONDS, check=False)
    assert result.returncode == 0, result.stderr
    numbers = dict(re.findall(r"^(.+?): +(\d+)\b", result.stdout, re.M))
    assert (numbers["Complete requests"], numbers["Failed requests"]) == ("500", "0"), result.stdout
    assert "Non-2xx responses" not in numbers, result.stdout
    if flags:
        assert int(numbers["Keep-Alive requests"]) > 400, result.stdout
