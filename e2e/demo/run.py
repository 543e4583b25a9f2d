"""`./dev demo`: backends, Portico on the manifests beside this file, and curl lines that work when pasted.

With --check it runs the lines itself and ends.
"""

import argparse
import contextlib
import dataclasses
import pathlib
import re
import shlex
import signal
import string
import subprocess
import sys
import tempfile
import threading

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import backends  # noqa: E402
import certificates  # noqa: E402
import manifests  # noqa: E402
import portico  # noqa: E402


@dataclasses.dataclass
class Line:
    why: str
    command: str
    shows: str  # a regular expression that its output matches


def write_manifests(folder, ports, pair):
    folder.write_text("ingress.yaml", (HERE / "ingress.yaml").read_text())
    folder.write_text("services.yaml", string.Template((HERE / "services.yaml").read_text()).safe_substitute(ports))
    folder.write("tls.yaml", manifests.tls_secret("secure-tls", pair))


def curl_lines(http, https, admin, folder, ca):
    def curl(url, *more):
        host, port = re.match(r"https?://([^:/]+):(\d+)", url).groups()
        return shlex.join(["curl", "-sS", *more, "--resolve", f"{host}:{port}:127.0.0.1", url])

    secure = "--cacert", str(ca)
    back = "--resolve", f"secure.example.com:{https}:127.0.0.1"
    explain = [portico.BINARY, "explain", f"http://shop.example.com:{http}/checkout", "--manifests", folder]
    return [
        Line("the guide's own example; ask twice, and the other replica answers",
             curl(f"http://myapp.example.com:{http}/api/items?page=2"), r'"service":"api-service".*"pod":"api-[12]"'),
        Line("a path that no rule names", curl(f"http://myapp.example.com:{http}/else", "-i"), r"^HTTP/1.1 404"),
        Line("a second host", curl(f"http://shop.example.com:{http}/shoes"), r'"service":"web-service"'),
        Line("its exact path leads elsewhere", curl(f"http://shop.example.com:{http}/checkout", "-d", "cart=1"),
             r'"method":"POST".*"service":"api-service"'),
        Line("a wildcard host", curl(f"http://blue.tenants.example.com:{http}/"), r'"host":"blue.tenants.example.com'),
        Line("a host with a certificate redirects to https", curl(f"http://secure.example.com:{http}/x", "-i"),
             rf"(?s)^HTTP/1.1 308.*ocation: https://secure.example.com:{https}/x"),
        Line("and the redirect leads back here", curl(f"http://secure.example.com:{http}/x", "-L", *secure, *back),
             r'"X-Forwarded-Proto":\["https"\]'),
        Line("TLS at once", curl(f"https://secure.example.com:{https}/", *secure), r'"service":"api-service"'),
        Line("why is that so?", shlex.join(map(str, explain)), r"default/shop"),
        Line("what is wrong with the manifests? Nothing:", shlex.join([str(portico.BINARY), "check", str(folder)]), r""),
        Line("numbers", f"curl -sS http://127.0.0.1:{admin}/metrics", r"portico_\w+"),
    ]  # fmt: skip


def run_lines(lines):
    failed = 0
    for line in lines:
        result = subprocess.run(line.command, shell=True, capture_output=True, text=True, timeout=portico.COMMAND_SECONDS, check=False)
        held = result.returncode == 0 and re.search(line.shows, result.stdout)
        failed += not held
        print(f"{'ok    ' if held else 'FAILED'} {line.command}", flush=True)
        if not held:
            print(result.stdout + result.stderr)
    return 1 if failed else 0


def print_lines(lines, folder):
    for line in lines:
        print(f"# {line.why}\n{line.command}\n")
    print(f"The manifests are in {folder}: change one and ask again. Ctrl-C ends the demo.", flush=True)


def stop_event():
    """Set by SIGINT and SIGTERM from now on."""
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    return stopped


def start_backends(stack):
    names = {"API_1_PORT": ("api-1", "api-service"), "API_2_PORT": ("api-2", "api-service"), "WEB_PORT": ("web-1", "web-service")}
    return {key: stack.enter_context(backends.Echo(*name)).port for key, name in names.items()}


def main():
    parser = argparse.ArgumentParser(prog="./dev demo")
    parser.add_argument("--check", action="store_true", help="run the printed lines and end")
    check = parser.parse_args().check
    stopped = stop_event()
    with contextlib.ExitStack() as stack:
        root = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="portico-demo-")))
        pair = certificates.self_signed("secure.example.com")
        (root / "ca.crt").write_text(pair.certificate)
        folder = manifests.Folder(root / "manifests")
        write_manifests(folder, start_backends(stack), pair)
        http, https = (portico.free_port(), portico.free_port()) if check else (portico.free_port(8080), portico.free_port(8443))
        flags = [f"--http-address=127.0.0.1:{http}", f"--https-address=127.0.0.1:{https}"]
        flags += [f"--public-http-port={http}", f"--public-https-port={https}"]
        program = stack.enter_context(portico.Portico(folder, *flags))
        lines = curl_lines(http, https, program.addresses["admin"][1], folder, root / "ca.crt")
        if check:
            return run_lines(lines)
        print_lines(lines, folder)
        stopped.wait()
        return 0


if __name__ == "__main__":
    sys.exit(main())
