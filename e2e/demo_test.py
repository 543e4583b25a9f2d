"""The demo's printed lines work when pasted."""

import subprocess
import sys

import portico


def test_every_printed_line_works():
    command = [sys.executable, portico.ROOT / "e2e/demo/run.py", "--check"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=portico.COMMAND_SECONDS, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.count("ok ") >= 10
