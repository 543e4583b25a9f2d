"""Each HTTP/2 flood is cut off with GOAWAY, in bounded memory, while others are served."""

import contextlib

import certificates
import floods
import h2_client
import portico
import pytest
from manifests import ingress, path, rule, served, tls_secret

HOST = "flood.test"
SECONDS = 60  # for the server to end it: far more than it needs
STALLED_CONNECTIONS = 20
GROWTH_BYTES = 20 << 20

# A header block that is too large, or DATA behind the end of a stream, is an error of its own; the rest is calmed.
OTHERWISE = {"hpack_bomb", "cookie_crumbs", "made_you_reset_by_data"}

ENDED = [flood for flood in floods.FLOODS if flood.ended]
HELD = [flood for flood in floods.FLOODS if not flood.ended]


@pytest.fixture(scope="module")
def pair():
    return certificates.self_signed(HOST)


@pytest.fixture(scope="module")
def program(module_folder, echo, pair):
    module_folder.write("echo.yaml", *served("echo", echo.port)).write("secret.yaml", tls_secret("pair", pair))
    rules = rule(HOST, path("/", "echo"))
    module_folder.write("ingress.yaml", ingress("echo", rules, tls={"pair": [HOST]}, annotations={"ssl-redirect": "false"}))
    with portico.Portico(module_folder) as running:
        with h2_client.Client(running.http) as client:  # what the first connection makes is not the flood's
            assert client.ask(HOST).status == 200
        yield running


@pytest.fixture(params=["plaintext", "TLS"])
def attack(request, program, pair):
    def begun(flood):
        if request.param == "plaintext":
            return floods.Attack(program.http, flood, floods.Target(HOST, "http", large="/?bytes=1000000"))
        target = floods.Target(HOST, "https", large="/?bytes=1000000")
        return floods.Attack(program.https, flood, target, pair.context(), HOST)

    return begun


@contextlib.contextmanager
def little_memory(program):
    """Of what it held before, at its end; sanitizers keep what is freed."""
    before = program.resident_bytes()
    yield
    if not portico.SANITIZED:
        assert program.resident_bytes() - before < GROWTH_BYTES


@pytest.mark.parametrize("flood", ENDED, ids=floods.name_of)
def test_a_flood_is_ended(program, attack, flood):
    with little_memory(program), h2_client.Client(program.http) as other:
        assert other.ask(HOST).status == 200
        with attack(flood) as running:
            running.run(SECONDS)
            assert running.ended, f"still open after {running.sent_bytes} bytes"
            # Where the attacker does not read, the farewell may be lost with what it never read.
            if flood.reads and str(flood) not in OTHERWISE:
                assert running.goaway == floods.ENHANCE_YOUR_CALM
        assert other.ask(HOST).status == 200


@pytest.mark.parametrize("flood", HELD, ids=floods.name_of)
def test_what_is_not_read_is_not_held(program, attack, flood):
    with little_memory(program), contextlib.ExitStack() as stack:
        for _ in range(STALLED_CONNECTIONS):
            stack.enter_context(attack(flood)).run(0.2)
        with h2_client.Client(program.http) as other:
            assert other.ask(HOST).status == 200
