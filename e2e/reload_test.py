"""Changes while traffic flows: nothing established is cut, no request is lost, what is broken harms nothing."""

import contextlib
import os
import threading
import zlib

import backends
import manifests
import portico
import wire
from manifests import ingress, path, rule, served

CHANGES = 300


def site(echo_names=("a",), marker=0):
    """The Ingress that keeps being changed, beside one that keeps serving."""
    name = echo_names[marker % len(echo_names)]
    return [
        ingress("steady", rule("steady.test", path("/", "a"))),
        ingress("changing", rule("changing.test", path(f"/v{marker}", name), path("/", name))),
    ]


class Load:
    """Clients that ask without pause on kept connections until they are stopped; every failure is remembered."""

    def __init__(self, program, count=4):
        self.program = program
        self.failures = []
        self.answered = 0
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(count)]

    def _ask(self):
        request = wire.request("steady.test", "/?bytes=2000")
        try:
            while not self._stop.is_set():
                # A new connection now and then, so that accepting goes on too.
                with wire.Client(self.program.http) as client:
                    for _ in range(100):
                        answer = client.ask(request)
                        if answer.status != 200 or len(answer.body) != 2000:
                            self.failures.append(answer)
                        self.answered += 1
        except OSError as error:
            self.failures.append(repr(error))

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()


def write_backends(folder, echoes):
    for echo in echoes:
        folder.write(f"{echo.name}.yaml", *served(echo.name, echo.port))


@contextlib.contextmanager
def open_tunnel(program):
    with wire.Client(program.http) as client:
        assert client.ask(wire.request("steady.test", "/", "Connection: Upgrade", "Upgrade: raw")).status == 101
        yield client


@contextlib.contextmanager
def slow_download(program, size):
    """A download that lasts as long as its reader lets it: the reading happens when the context ends."""
    with wire.Client(program.http, receive_buffer=4096) as client:
        client.send(wire.request("steady.test", f"/?bytes={size}")).final_head()
        yield client
        assert zlib.crc32(client.exactly(size)) == backends.pattern_crc32(size)


def test_300_changes_lose_no_request_and_cut_no_tunnel_or_download(folder, echoes):
    write_backends(folder, echoes)
    folder.write("site.yaml", *site())
    with portico.Portico(folder) as program, Load(program) as load, contextlib.ExitStack() as stack:
        tunnel = stack.enter_context(open_tunnel(program))
        stack.enter_context(slow_download(program, 30 << 20))
        for marker in range(1, CHANGES + 1):
            folder.write("site.yaml", *site("abc", marker))
            if marker % 10 == 0:
                # In effect, not only written: the changed Ingress answers from its new backend.
                want = "abc"[marker % 3]
                portico.eventually(lambda want=want: wire.pod(program.http, "changing.test") == want, what="the change")
                assert tunnel.send(b"still here").exactly(10) == b"still here"
        tunnel.finish_writing()
        assert tunnel.rest() == b"bye\n"
    assert load.failures == []
    assert load.answered > 100


def test_endpoints_come_and_go_without_a_lost_request(folder, echoes):
    a, b, c = (echo.port for echo in echoes)
    folder.write("site.yaml", *site()).write("a.yaml", *served("a", a))
    with portico.Portico(folder) as program, Load(program) as load:
        for ports in [(a, b), (b,), (b, c), (c,), (a, c), (a,)] * 5:
            folder.write("a.yaml", *served("a", *ports))
            want = {echo.name for echo in echoes if echo.port in ports}
            portico.eventually(lambda want=want: pods_seen(program, 4) == want, what=f"pods {want}")
    assert load.failures == []


def pods_seen(program, count):
    with wire.Client(program.http) as client:
        return {client.ask(wire.request("steady.test")).json()["pod"] for _ in range(count)}


def test_an_unchanged_endpoint_keeps_its_warm_connection(folder, capture):
    folder.write("site.yaml", *served("a", capture.port), *site())
    capture.play()
    with portico.Portico(folder, "--workers", "1") as program, wire.Client(program.http) as client:
        assert client.ask(wire.request("steady.test")).status == 200
        folder.write("more.yaml", ingress("more", rule("more.test", path("/", "a"))))
        portico.eventually(lambda: wire.get(program.http, "more.test").status == 200)
        assert client.ask(wire.request("steady.test")).status == 200
    assert len(capture.connections) == 1


def test_an_object_leaves_with_its_file(folder, echo):
    folder.write("site.yaml", *served("a", echo.port), *site())
    folder.write("more.yaml", ingress("more", rule("more.test", path("/", "a"))))
    with portico.Portico(folder) as program:
        assert wire.pod(program.http, "more.test") == "a"
        folder.remove("more.yaml")
        portico.eventually(lambda: wire.pod(program.http, "more.test") == 404)
        assert wire.pod(program.http, "steady.test") == "a"


def test_a_broken_file_is_named_with_its_line_and_what_served_goes_on(folder, echo):
    folder.write("site.yaml", *served("a", echo.port), *site())
    folder.write("more.yaml", ingress("more", rule("more.test", path("/", "a"))))
    with portico.Portico(folder) as program:
        folder.write_text("more.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: [}\n")
        program.wait_for_log(r"more\.yaml:3\b")
        assert wire.pod(program.http, "steady.test") == "a"
        assert wire.pod(program.http, "more.test") == "a", "its last good state serves on"
        folder.write("more.yaml", ingress("more", rule("again.test", path("/", "a"))))
        portico.eventually(lambda: wire.pod(program.http, "again.test") == "a")


def test_a_broken_file_at_the_start_does_not_stop_the_rest(folder, echo):
    folder.write("site.yaml", *served("a", echo.port), *site())
    folder.write_text("broken.yaml", "kind: Ingress\n  metadata: oops\n")
    with portico.Portico(folder) as program:
        program.wait_for_log(r"broken\.yaml:\d+")
        assert wire.pod(program.http, "steady.test") == "a"


def test_a_symlink_swap_as_configmaps_do_it_is_seen(tmp_path, folder, echo):
    root = tmp_path / "mounted"
    root.mkdir()

    def publish(version, *objects):
        (root / f"..{version}").mkdir()
        manifests.Folder(root / f"..{version}").write("site.yaml", *objects)
        os.symlink(f"..{version}", root / "..data_tmp")
        os.replace(root / "..data_tmp", root / "..data")

    everything = [manifests.ingress_class(), *served("a", echo.port)]
    publish("one", *everything, *site())
    os.symlink("..data/site.yaml", root / "site.yaml")
    with portico.Portico(root) as program:
        assert wire.pod(program.http, "new.test") == 404
        publish("two", *everything, *site(), ingress("new", rule("new.test", path("/", "a"))))
        portico.eventually(lambda: wire.pod(program.http, "new.test") == "a")


def test_hidden_and_foreign_files_are_ignored(folder, echo):
    folder.write("site.yaml", *served("a", echo.port), *site())
    more = ingress("more", rule("more.test", path("/", "a")))
    folder.write(".hidden.yaml", more).write("notes.txt", more).write("site.yaml~", more)
    with portico.Portico(folder) as program:
        assert wire.pod(program.http, "more.test") == 404


def test_lists_json_and_several_documents_are_read(folder, echo):
    more = ingress("more", rule("more.test", path("/", "a")))
    folder.write("list.json", {"apiVersion": "v1", "kind": "List", "items": [*served("a", echo.port), more]})
    folder.write("site.yml", *site())
    with portico.Portico(folder) as program:
        assert (wire.pod(program.http, "more.test"), wire.pod(program.http, "steady.test")) == ("a", "a")


def test_one_file_may_be_the_whole_source(tmp_path, echo):
    folder = manifests.Folder(tmp_path / "m")
    folder.write("all.yaml", manifests.ingress_class(), *served("a", echo.port), *site())
    with portico.Portico(folder.path / "all.yaml") as program:
        assert wire.pod(program.http, "steady.test") == "a"
        folder.write("all.yaml", manifests.ingress_class(), *served("a", echo.port), ingress("new", rule("new.test", path("/", "a"))))
        portico.eventually(lambda: wire.pod(program.http, "new.test") == "a")
