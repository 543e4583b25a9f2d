"""Runs a command on a kernel that seems to have no IPv6: socket(AF_INET6, …) fails with EAFNOSUPPORT.

    python3 e2e/without_ipv6.py COMMAND…

A seccomp filter, so it needs no privilege and changes nothing for anybody else.
"""

import ctypes
import errno
import os
import platform
import socket
import struct
import subprocess
import sys

SOCKET_CALL = {"x86_64": 41, "aarch64": 198}

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06  # BPF_LD|BPF_W|BPF_ABS, BPF_JMP|BPF_JEQ|BPF_K, BPF_RET|BPF_K
CALL_NUMBER, FIRST_ARGUMENT = 0, 16  # offsets in struct seccomp_data
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | errno.EAFNOSUPPORT


def filter_program():
    steps = [
        (LOAD, 0, 0, CALL_NUMBER),
        (JUMP_IF_EQUAL, 0, 3, SOCKET_CALL[platform.machine()]),
        (LOAD, 0, 0, FIRST_ARGUMENT),
        (JUMP_IF_EQUAL, 0, 1, socket.AF_INET6),
        (RETURN, 0, 0, REFUSE),
        (RETURN, 0, 0, ALLOW),
    ]
    return len(steps), b"".join(struct.pack("HBBI", *step) for step in steps)


def install():
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    count, code = filter_program()
    buffer = ctypes.create_string_buffer(code)
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", count, ctypes.addressof(buffer)))
    ulong = ctypes.c_ulong
    for call in ((PR_SET_NO_NEW_PRIVS, ulong(1), ulong(0)), (PR_SET_SECCOMP, ulong(SECCOMP_MODE_FILTER), program)):
        if prctl(*call, ulong(0), ulong(0)) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def works():
    """Whether this machine lets it be done."""
    if platform.machine() not in SOCKET_CALL:
        return False
    return subprocess.run([sys.executable, __file__, "true"], capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    install()
    os.execvp(sys.argv[1], sys.argv[1:])
