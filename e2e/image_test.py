"""The image: the run-time root that the Dockerfile's build stage makes, run as a cluster runs it.

Made from the binary that is there already, without a container engine. Where buildah is installed, the Dockerfile's last
stage is built with it too. Its first stage is not run here: it compiles the program once more.
"""

import json
import os
import pathlib
import re
import shutil
import stat
import subprocess
import sys

import portico
import pytest
import wire
from manifests import ingress, path, rule, served

ROOT = pathlib.Path(__file__).resolve().parent.parent
IMAGE = pathlib.Path(__file__).resolve().parent / "image"
NET_BIND_SERVICE = 10
MOST_BYTES = 40 << 20

if portico.SANITIZED:
    pytest.skip("the image has no sanitizers", allow_module_level=True)
if os.geteuid() != 0:
    pytest.skip("making and entering the image's root file system takes root", allow_module_level=True)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("image") / "root"
    made = subprocess.run([IMAGE / "root", portico.BINARY, folder], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    return folder


def container(root, *options, program="portico"):
    return [sys.executable, str(IMAGE / "container.py"), *map(str, options), str(root), f"/usr/local/bin/{program}"]


def dockerfile():
    """The last stage's instructions: name to arguments; continuation lines are joined."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    last = text[text.rindex("\nFROM ") + 1 :]
    return {line.split(" ", 1)[0]: line.split(" ", 1)[1] for line in last.splitlines() if line and not line.startswith("#")}


def run(root, *arguments, options=(), program="portico"):
    command = [*container(root, *options, program=program), "portico", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=portico.COMMAND_SECONDS, check=False)


def test_the_program_finds_all_it_loads(root):
    answer = run(root, "version")
    assert answer.returncode == 0 and answer.stdout.startswith("portico "), answer.stderr


def test_it_serves_as_user_65532_on_a_read_only_root(root, folder, echo):
    folder.write("services.yaml", *served("echo", echo.port))
    folder.write("ingress.yaml", ingress("plain", rule("echo.test", path("/", "echo"))))
    with portico.Portico(folder, under=container(root, "--show", folder)) as program:
        answer = wire.get(program.http, "echo.test", "/")
        status = pathlib.Path(f"/proc/{program.pid}/status").read_text()
    assert answer.status == 200
    assert re.search(r"Uid:\s+65532\s+65532\s+65532\s+65532", status)
    assert re.search(r"NoNewPrivs:\s+1", status)
    assert set(re.findall(r"Cap\w+:\s+(\w+)", status)) == {"0" * 16}


def test_nothing_in_it_can_be_written(root):
    for item in root.rglob("*"):
        mode = item.lstat()
        assert mode.st_uid == 0 and mode.st_gid == 0, item
        if not item.is_symlink() and item != root / "tmp":
            assert not mode.st_mode & (stat.S_IWGRP | stat.S_IWOTH | stat.S_ISUID | stat.S_ISGID), item


def test_it_has_no_shell_and_is_small(root):
    programs = [item for item in root.rglob("*") if item.is_file() and os.access(item, os.X_OK) and ".so" not in item.name]
    assert sorted(item.name for item in programs) == ["portico", "portico-low-ports"]
    size = sum(item.stat().st_size for item in root.rglob("*") if item.is_file())
    print(f"{size / (1 << 20):.1f} MiB")
    assert size < MOST_BYTES


def test_it_has_certificates_and_the_records_of_its_packages(root):
    assert "BEGIN CERTIFICATE" in (root / "etc/ssl/certs/ca-certificates.crt").read_text()
    packages = {item.name for item in (root / "var/lib/dpkg/status.d").iterdir()}
    assert {"libc6", "libssl3", "libstdc++6"} <= packages
    assert packages == {item.name for item in (root / "usr/share/doc").iterdir()}


def test_low_ports_are_had_with_one_capability_and_no_new_privileges(root, folder):
    under = container(root, "--show", folder, "--capability", NET_BIND_SERVICE, program="portico-low-ports")
    flags = ["--http-address", "127.0.0.1:80", "--https-address", "127.0.0.1:443"]
    with portico.Portico(folder, *flags, ready=False, under=under) as program:
        assert program.addresses["http"][1] == 80 and program.addresses["https"][1] == 443


def test_the_plain_program_loses_the_capability_at_its_start(root, folder):
    options = ["--show", folder, "--capability", NET_BIND_SERVICE]
    refused = run(root, "serve", "--manifests", folder, "--http-address", "127.0.0.1:80", options=options)
    assert refused.returncode == 2 and "CAP_NET_BIND_SERVICE" in refused.stderr


def test_the_low_ports_program_starts_with_its_capability_only(root):
    refused = run(root, "version", program="portico-low-ports")
    assert refused.returncode != 0 and "PermissionError" in refused.stderr


def test_the_dockerfile_says_who_runs_what():
    last = dockerfile()
    assert last["FROM"] == "scratch" and last["COPY"] == "--from=build /root-fs /"
    assert last["USER"] == "65532:65532"
    assert last["ENTRYPOINT"] == '["/usr/local/bin/portico"]'


def test_buildah_makes_the_image(root, tmp_path):
    if not shutil.which("buildah"):
        pytest.skip("no buildah: that the Dockerfile's last stage builds, and keeps the file's capability, is not checked")
    last = (ROOT / "Dockerfile").read_text()
    last = last[last.rindex("\nFROM ") + 1 :].replace("--from=build /root-fs /", ". /")
    (tmp_path / "Dockerfile").write_text(last)
    store = ["buildah", "--root", tmp_path / "store", "--runroot", tmp_path / "run", "--storage-driver", "vfs"]

    def buildah(*arguments):
        done = subprocess.run([*store, *arguments], capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    buildah("build", "--isolation", "chroot", "--file", tmp_path / "Dockerfile", "--tag", "portico", root)
    config = json.loads(buildah("inspect", "--type", "image", "portico"))["OCIv1"]["config"]
    assert config["User"] == "65532:65532" and config["Entrypoint"] == ["/usr/local/bin/portico"]
    mounted = pathlib.Path(buildah("mount", buildah("from", "portico")))
    capabilities = subprocess.check_output(["getcap", mounted / "usr/local/bin/portico-low-ports"], text=True)
    assert capabilities.strip().endswith("cap_net_bind_service=ep")
    assert run(mounted, "version").returncode == 0
