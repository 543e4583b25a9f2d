"""Path tricks: the path that is matched is the path that is sent, so that no rule's door leads to another's room.

/open leads to the capture backend; /closed is denied (503, a guard that is not served), and so is /opened.
"""

import re

import portico
import pytest
import wire
from attack import arrived
from manifests import Folder, ingress, ingress_class, path, rule, served

HOST = "paths.test"
GUARD = {"auth-url": "http://auth.test/"}


@pytest.fixture(scope="module")
def program(tmp_path_factory, capture):
    site = Folder(tmp_path_factory.mktemp("paths")).write("class.yaml", ingress_class())
    site.write("services.yaml", *served("capture", capture.port))
    site.write(
        "ingress.yaml",
        ingress("open", rule(HOST, path("/open", "capture"), path("/exact", "capture", "Exact"))),
        ingress("closed", rule(HOST, path("/closed", "capture"), path("/open/closed", "capture")), annotations=GUARD),
    )
    with portico.Portico(site) as running:
        yield running


def ask(program, target):
    with wire.Client(program.http) as client:
        return client.send(f"GET {target} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode("latin-1")).response()


TRICKS = [
    "/open/../closed",
    "/open/./closed",
    "/open//closed",
    "/open///closed",
    "//closed",
    "/./closed",
    "/../closed",
    "/open/%2e%2e/closed",
    "/open/%2E%2E/closed",
    "/open/.%2e/closed",
    "/open/%2e./closed",
    "/open/%2e%2e%2fclosed",
    "/open/..%2fclosed",
    "/open/..%2Fclosed",
    "/open%2f..%2fclosed",
    "/open%2fclosed",
    "/open/%2e%2e/%2e%2e/%2e%2e/closed",
    "/open/..;/closed",
    "/open/..;x=y/closed",
    "/open;/../closed",
    "/open/;/closed",
    "/open/%252e%252e/closed",
    "/open/%252e%252e%252fclosed",
    "/open/..%252fclosed",
    "/open/%c0%ae%c0%ae/closed",
    "/open/%c0%af/closed",
    "/open/%e0%80%ae%e0%80%ae/closed",
    "/open/%uff0e%uff0e/closed",
    "/open/%00/../closed",
    "/open%00/../closed",
    "/open/closed%00",
    "/open/closed%0d%0aX-A:%20b",
    "/open/..\\closed",
    "/open\\..\\closed",
    "/open/..%5cclosed",
    "/open%5c..%5cclosed",
    "/%63losed",
    "/%2563losed",
    "/open/%63losed",
    "/closed/",
    "/closed/.",
    "/closed/%2e",
    "/closed/x/..",
    "/closed%2f",
    "/closed?/../open",
    "/closed/..%2fopen",
    "/open/closed/",
    "/open/closed/..",
    "/open/x/../closed/y",
    "/open/x/..//closed",
    "/open/%2e/closed",
    "/open/%",
    "/open/%2",
    "/open/%zz",
    "/opened",
    "/open.",
    "/open%20",
    "/OPEN/../closed",
]
UNRESERVED = re.compile(r"%([0-9A-Fa-f]{2})")


def normal(text):
    """Dots resolved and slashes merged, as RFC 3986 5.2.4 and nginx do it."""
    kept = []
    for segment in text.split("/"):
        if segment == "..":
            kept[-1:] = []
        elif segment not in ("", "."):
            kept.append(segment)
    return "/" + "/".join(kept)


def decoded_once(target):
    """What a backend that follows RFC 3986 makes of a path: dots first resolved, encoded ones too; then each octet."""
    text = re.sub("%2e", ".", target.split("?")[0], flags=re.IGNORECASE)
    return UNRESERVED.sub(lambda match: chr(int(match[1], 16)), normal(text))


@pytest.mark.parametrize("target", TRICKS)
def test_no_trick_opens_what_is_closed(program, recorded, target):
    answer = ask(program, target)
    requests = arrived(recorded)
    if answer.status != 200:
        assert answer.status in (400, 404, 503) and requests == [], answer
        assert (answer.status == 400) == (answer.field("connection") == "close"), answer
        return
    request, = requests
    sent = request.target.decode("latin-1")
    for reading in (normal(sent.split("?")[0]), decoded_once(sent)):
        assert f"{reading}/".startswith("/open/"), f"{target} arrived as {sent}"
        assert not f"{reading}/".startswith("/open/closed/"), f"{target} arrived as {sent}"


def test_what_is_closed_is_closed_and_what_is_open_is_open(program, recorded):
    assert ask(program, "/closed").status == ask(program, "/closed/x").status == ask(program, "/open/closed").status == 503
    assert ask(program, "/open").status == ask(program, "/open/x").status == ask(program, "/exact").status == 200
    assert ask(program, "/opened").status == 404


@pytest.mark.parametrize("target", ["/exact/", "/exact/.", "/exact//", "/exact%2f", "/exact/../exact/x", "/exact;x"])
def test_an_exact_path_is_exact(program, recorded, target):
    answer = ask(program, target)
    if answer.status == 200:
        request, = arrived(recorded)
        assert request.target == b"/exact", request


def test_the_query_is_no_path(program, recorded):
    assert ask(program, "/open?/../../closed").status == 200
    request, = arrived(recorded)
    assert request.target == b"/open?/../../closed"
