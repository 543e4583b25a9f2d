"""Which backend serves a request: the Ingress documentation's rules, through real sockets."""

import portico
import pytest
import wire
from manifests import ingress, path, rule, served

# name -> (rules of one host: path, type, Service; what is asked: which Service answers, or the status)
PATHS = {
    "exact": ([("/foo", "Exact", "a")], {"/foo": "a", "/foo/": 404, "/FOO": 404, "/bar": 404, "/foo?x=/bar": "a"}),
    "prefix": ([("/foo", "Prefix", "a")], {"/foo": "a", "/foo/": "a", "/foo/x": "a", "/FOO": 404, "/foobar": 404}),
    "prefix-root": ([("/", "Prefix", "a")], {"/": "a", "/anything/at/all": "a"}),
    "longest-prefix": (
        [("/aaa", "Prefix", "a"), ("/aaa/bbb", "Prefix", "b")],
        {"/aaa": "a", "/aaa/ccc": "a", "/aaa/bbb": "b", "/aaa/bbb/ccc": "b", "/aaaccc": 404, "/aaa/bbbb": "a"},
    ),
    "longest-prefix-in-any-order": (
        [("/", "Prefix", "c"), ("/aaa/bbb", "Prefix", "b"), ("/aaa", "Prefix", "a")],
        {"/": "c", "/aaa/x": "a", "/aaa/bbb/x": "b", "/aaaccc": "c"},
    ),
    "exact-beats-prefix": ([("/foo", "Prefix", "a"), ("/foo", "Exact", "b")], {"/foo": "b", "/foo/": "a", "/foo/x": "a"}),
    "prefix-with-a-slash": ([("/aaa/bbb/", "Prefix", "a")], {"/aaa/bbb": "a", "/aaa/bbb/": "a", "/aaa/bbb/c": "a", "/aaa": 404}),
    "exact-with-a-slash": ([("/foo/", "Exact", "a")], {"/foo": 404, "/foo/": "a", "/foo/x": 404}),
    "implementation-specific": (
        [("/foo", "ImplementationSpecific", "a")],
        {"/foo": "a", "/foobar": "a", "/foo/bar": "a", "/fo": 404},
    ),
    "all-three-types": (
        [("/foo", "ImplementationSpecific", "c"), ("/foo", "Prefix", "b"), ("/foo", "Exact", "a")],
        {"/foo": "a", "/foo/": "b", "/foo/x": "b", "/foobar": "c"},
    ),
    "exact-beats-a-longer-look": ([("/foo/bar", "Exact", "a"), ("/foo", "Prefix", "b")], {"/foo/bar": "a", "/foo/bar/": "b"}),
}

HOSTS = {
    "foo.bar.com": "a",
    "FOO.Bar.Com": "a",
    "foo.bar.com:8080": "a",
    "other.bar.com": 404,
    "bar.foo.com": "b",
    "BAR.foo.com:80": "b",
    "baz.bar.foo.com": 404,
    "foo.com": 404,
    "exact.foo.com": "c",
}

# A rule matches where its host and its path do: what the exact host has no path for falls to the wildcard, then to the
# rules without a host.
FALL_THROUGH = {
    ("www.fall.test", "/exact"): "a",
    ("www.fall.test", "/wild"): "b",
    ("www.fall.test", "/anyhost"): "c",
    ("www.fall.test", "/nothing"): 404,
    ("else.fall.test", "/exact"): 404,
    ("else.fall.test", "/wild"): "b",
    ("unknown.test", "/anyhost"): "c",
    ("unknown.test", "/wild"): 404,
}

OLD, NEW = "2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z"


@pytest.fixture(scope="module")
def program(module_folder, echoes):
    for echo in echoes:
        module_folder.write(f"{echo.name}.yaml", *served(echo.name, echo.port))
        module_folder.write(f"other-{echo.name}.yaml", *served(echo.name, echo.port, namespace="other"))
    for name, (paths, _) in PATHS.items():
        rules = [path(value, service, kind) for value, kind, service in paths]
        module_folder.write(f"{name}.yaml", ingress(name, rule(f"{name}.test", *rules)))
    module_folder.write(
        "hosts.yaml",
        ingress(
            "hosts",
            rule("*.foo.com", path("/", "b")),
            rule("foo.bar.com", path("/", "a", port="http")),
            rule("exact.foo.com", path("/", "c")),
        ),
    )
    module_folder.write(
        "fall-through.yaml",
        ingress(
            "fall-through",
            rule("www.fall.test", path("/exact", "a")),
            rule("*.fall.test", path("/wild", "b")),
            rule(None, path("/anyhost", "c")),
        ),
    )
    module_folder.write(
        "conflicts.yaml",
        ingress("younger", rule("age.test", path("/", "b")), created=NEW),
        ingress("older", rule("age.test", path("/", "a")), created=OLD),
        ingress("beta", rule("name.test", path("/", "b")), created=OLD),
        ingress("alpha", rule("name.test", path("/", "a")), created=OLD),
        ingress("aaa", rule("namespace.test", path("/", "b")), namespace="other", created=OLD),
        ingress("zzz", rule("namespace.test", path("/", "a")), namespace="default", created=OLD),
        ingress("merged-1", rule("merged.test", path("/one", "a"))),
        ingress("merged-2", rule("merged.test", path("/two", "b")), namespace="other"),
    )
    with portico.Portico(module_folder) as running:
        yield running


@pytest.mark.parametrize("name", PATHS)
def test_paths_of_a_host(program, name):
    asked = PATHS[name][1]
    assert {target: wire.pod(program.http, f"{name}.test", target) for target in asked} == asked


@pytest.mark.parametrize("host", HOSTS)
def test_host_rules(program, host):
    assert wire.pod(program.http, host) == HOSTS[host]


@pytest.mark.parametrize("host,target", FALL_THROUGH)
def test_a_path_the_exact_host_lacks_falls_to_the_next_host(program, host, target):
    assert wire.pod(program.http, host, target) == FALL_THROUGH[host, target]


@pytest.mark.parametrize("host", ["age.test", "name.test", "namespace.test"])
def test_the_older_object_then_namespace_and_name_win_a_conflict(program, host):
    assert wire.pod(program.http, host) == "a"


def test_ingresses_of_several_namespaces_share_a_host(program):
    assert wire.pod(program.http, "merged.test", "/one") == "a"
    assert wire.pod(program.http, "merged.test", "/two") == "b"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PURGE"])
def test_the_backend_sees_the_method_and_path_as_sent(program, method):
    answer = wire.get(program.http, "prefix.test", "/foo/sub-path?a=b", "User-Agent: tester", method=method, body=b"")
    seen = answer.json()
    assert (seen["method"], seen["path"]) == (method, "/foo/sub-path?a=b")
    assert seen["headers"]["User-Agent"] == ["tester"]


# target sent -> (what the rules see is served by, the target the backend receives), or the status
NORMALISED = {
    "/a/../b/x": "/b/x",
    "/a/./b": "/a/b",
    "/b/x/..": "/b/",
    "/a/%2e%2e/b/x": "/b/x",
    "/a/.%2E/b/x": "/b/x",
    "//b//x": "//b//x",
    "/fetch/https://example.com/a": "/fetch/https://example.com/a",
    "/%62/x": "/%62/x",
    "/b/a%2Fb": "/b/a%2Fb",
    "/b/%E4%B8%AD": "/b/%E4%B8%AD",
    "/b;v=1/x": "/b;v=1/x",
    "/b/?q=/../x": "/b/?q=/../x",
    "/b/...": "/b/...",
}


@pytest.mark.parametrize("target", NORMALISED)
def test_the_backend_gets_the_received_bytes_without_dot_segments(plain, recorded, target):
    assert wire.get(plain.http, "capture.test", target).status == 200
    assert recorded.heads()[0][0] == f"GET {NORMALISED[target]} HTTP/1.1"


@pytest.mark.parametrize("target", ["/%00", "/a%00b", "/%zz", "/%4", "/a%", "/..", "/a/../..", "/%2e%2e/", "/a/%2e%2e/../x"])
def test_a_path_with_no_meaning_is_refused(plain, recorded, target):
    assert wire.get(plain.http, "capture.test", target).status == 400
    assert recorded.received() == b""


# Authorisation must see the path that is sent: none of these may reach what is behind /foo's neighbour, or miss /foo.
@pytest.mark.parametrize(
    "target,served_by",
    {
        "/x/../foo": "a",
        "//foo": "a",
        "/./foo": "a",
        "/%66oo": "a",
        "/foo/../bar": 404,
        "/foo%2fbar": 404,
        "/foo%2f..%2fbar": 404,
        "/foo/..": 404,
        "/foo;x": 404,
    }.items(),
)
def test_matching_sees_the_normal_path(program, target, served_by):
    assert wire.pod(program.http, "prefix.test", target) == served_by
