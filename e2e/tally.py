"""Adds up what the suites really ran: prints the checks and, as its last line, `N passed, N failed`.

A test binary that crashed leaves no report of its tests: ctest knows, and each such binary counts as one failure.
"""

import collections
import json
import pathlib
import sys
import xml.etree.ElementTree as xml


def junit_counts(path):
    passed = failed = 0
    for case in xml.parse(path).iter("testcase"):
        if case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
            continue
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        else:
            passed += 1
    return passed, failed


def unit_counts(ctest_report, gtest_folder):
    """Per test where gtest told, per binary where it could not."""
    passed = failed = 0
    for case in xml.parse(ctest_report).iter("testcase"):
        detail = gtest_folder / f"{case.get('name')}.xml"
        case_failed = case.find("failure") is not None
        counts = junit_counts(detail) if detail.exists() else (0 if case_failed else 1, 0)
        passed += counts[0]
        failed += max(counts[1], 1 if case_failed else 0)
    return passed, failed


def go_counts(report):
    """Per test, subtests too, of what `go test -json` told; a package that could not be built is one failure."""
    passed = failed = 0
    for line in report.read_text().splitlines():
        event = json.loads(line) if line.startswith("{") else {}
        if event.get("Action") == "build-fail":
            failed += 1
        elif "Test" in event:
            passed += event["Action"] == "pass"
            failed += event["Action"] == "fail"
    return passed, failed


def not_run(path):
    """{reason: how many tests were left out for it}."""
    reasons = collections.Counter()
    for case in xml.parse(path).iter("testcase"):
        if (skipped := case.find("skipped")) is not None:
            reasons[skipped.get("message")] += 1
    return reasons


def suites(results):
    for report in sorted(results.glob("*.ctest.xml")):
        name = report.name.removesuffix(".ctest.xml")
        yield name, unit_counts(report, results / name)
    for report in sorted(results.glob("e2e-*.xml")):
        yield report.stem, junit_counts(report)
    for report in sorted(results.glob("cluster-*.json")):
        yield report.stem, go_counts(report)


def checks(results):
    """What is no suite of tests: builds, formatting, lint, fuzzing; None for what was left out. A suite's own row is
    counted by its report."""
    for line in (results / "checks.tsv").read_text().splitlines():
        held, title = line.split("\t")
        yield title, {"0": False, "1": True, "-": None}[held]


def main(results):
    passed = failed = 0
    for name, (suite_passed, suite_failed) in suites(results):
        print(f"{name}: {suite_passed} tests passed, {suite_failed} failed")
        passed += suite_passed
        failed += suite_failed
    for report in sorted(results.glob("e2e-*.xml")):
        for reason, count in not_run(report).items():
            print(f"{report.stem}: {count} tests NOT run here: {reason}")
    for report in sorted(results.glob("*.unsteady")):
        for test in report.read_text().splitlines():
            print(f"{report.stem}: UNSTEADY, passed at its second try or not at all: {test}")
    suites_failed = failed
    for title, held in checks(results):
        print(f"{ {True: 'ok', False: 'FAILED', None: '-'}[held]:6} {title}")
        is_suite = title.startswith(("unit tests", "end to end", "cluster"))
        if held is None:
            continue
        # A suite that stopped before it could report still is a failure.
        if not held and (not is_suite or suites_failed == 0):
            failed += 1
        elif held and not is_suite:
            passed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
