"""The chart's tables are what its values say, and the flags it passes are the program's. Rendering it is Go's (helm)."""

import pathlib
import re
import subprocess
import sys

import portico
import yaml

CHARTS = pathlib.Path(__file__).resolve().parent.parent / "charts"


def test_what_is_made_from_the_values_is_up_to_date():
    checked = subprocess.run([sys.executable, CHARTS / "values.py", "--check"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_chart_knows_every_flag_of_the_program():
    flags = yaml.safe_load((CHARTS / "portico/files/flags.yaml").read_text())
    told = dict(re.findall(r"^\s+--([a-z-]+)( TEXT| U?INT)?", portico.run("serve", "--help").stdout, re.MULTILINE))
    assert told.keys() - {"help", "manifests"} == set(flags["served"])
    assert {name for name in flags["served"] if not told[name]} == set(flags["switches"])
    assert not set(flags["served"]) & (set(flags["translated"]) | set(flags["ingress-nginx"]))


def test_no_value_is_both_served_and_without_effect():
    known = yaml.safe_load((CHARTS / "portico/files/known-values.yaml").read_text())
    for path in yaml.safe_load((CHARTS / "portico/files/ignored-values.yaml").read_text()):
        node = known
        for key in path.split("."):
            node = node.get(key) if isinstance(node, dict) else None
        assert node is None, path
