"""Runs a program in a root file system as a container runtime does under the chart's security context.

    container.py [--capability NUMBER] [--show FOLDER]… ROOT PROGRAM NAME ARGUMENTS…

NAME is what the caller would have run; PROGRAM is run in its place. A mount namespace with ROOT as a read-only root,
/proc, and each FOLDER read-only at its own path; user and group 65532, no other group; no capability but NUMBER, which is
bounding, permitted and effective and neither inheritable nor ambient, as containerd and CRI-O have it; no_new_privs. With
a capability, a network namespace of its own too. Needs root.

What a runtime also does and this does not: seccomp, cgroups, PID and user namespaces.
"""

import argparse
import ctypes
import fcntl
import os
import pathlib
import socket
import struct

USER = 65532
CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 32, 4096, 16384, 1 << 18
PR_SET_KEEPCAPS, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 8, 24, 38
CAPABILITY_VERSION_3 = 0x20080522
SYS_CAPSET = {"x86_64": 126, "aarch64": 91}[os.uname().machine]
LAST_CAPABILITY = int(pathlib.Path("/proc/sys/kernel/cap_last_cap").read_text())
SIOCSIFFLAGS, IFF_UP = 0x8914, 1

LIBC = ctypes.CDLL(None, use_errno=True)


def check(result, what):
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")


def mount(source, target, kind="", flags=0):
    check(LIBC.mount(str(source).encode(), str(target).encode(), kind.encode(), flags, None), f"mount {target}")


def set_up_root(root, shown):
    check(LIBC.unshare(CLONE_NEWNS), "unshare")
    mount("none", "/", flags=MS_REC | MS_PRIVATE)
    mount(root, root, flags=MS_BIND)
    mount("proc", root / "proc", "proc", MS_NOSUID | MS_NODEV)
    if shown:
        mount("tmpfs", root / "tmp", "tmpfs", MS_NOSUID | MS_NODEV)
    for folder in shown:
        inside = root / folder.relative_to("/")
        inside.mkdir(parents=True)
        mount(folder, inside, flags=MS_BIND)
        mount("none", inside, flags=MS_BIND | MS_REMOUNT | MS_RDONLY)
    if shown:
        mount("none", root / "tmp", flags=MS_BIND | MS_REMOUNT | MS_RDONLY)
    mount("none", root, flags=MS_BIND | MS_REMOUNT | MS_RDONLY)
    os.chroot(root)
    os.chdir("/")


def own_network():
    check(LIBC.unshare(CLONE_NEWNET), "unshare")
    with socket.socket() as anything:
        fcntl.ioctl(anything, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


def become_user(kept):
    for capability in range(LAST_CAPABILITY + 1):
        if capability != kept:
            check(LIBC.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0), "drop a capability")
    check(LIBC.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0), "keep capabilities")
    os.setgroups([])
    os.setresgid(USER, USER, USER)
    os.setresuid(USER, USER, USER)
    bits = 0 if kept is None else 1 << kept
    header = struct.pack("=Ii", CAPABILITY_VERSION_3, 0)
    data = struct.pack("=6I", bits, bits, 0, 0, 0, 0)  # effective, permitted, inheritable; the upper halves
    check(LIBC.syscall(SYS_CAPSET, header, data), "set capabilities")
    check(LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--capability", type=int)
    parser.add_argument("--show", type=pathlib.Path, action="append", default=[])
    parser.add_argument("root", type=pathlib.Path)
    parser.add_argument("program")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    if options.capability is not None:
        own_network()
    set_up_root(options.root.resolve(), options.show)
    become_user(options.capability)
    os.execve(options.program, [options.program, *options.command[1:]], {"PATH": "/usr/local/bin", "POD_NAME": "portico-0"})


if __name__ == "__main__":
    main()
