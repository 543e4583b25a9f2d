"""Reads `go test -json` and says what people want to read: a line a test, what it logged, all that a failed one wrote.

    go test -json ./cluster | python3 cluster_report.py REPORT

The JSON itself goes to REPORT, which e2e/tally.py counts. Exit 1 where anything failed, or nothing ran.
"""

import collections
import json
import re
import sys

LOGGED = re.compile(r"^\s+\w+\.go:\d+: ")


def events(lines, report):
    for line in lines:
        report.write(line)
        try:
            yield json.loads(line)
        except ValueError:
            print(line, end="")


def main(path):
    ended = collections.Counter()
    written = collections.defaultdict(list)
    with open(path, "w") as report:
        for event in events(sys.stdin, report):
            name, action = event.get("Test", ""), event["Action"]
            if action in ("output", "build-output"):
                written[name].append(event["Output"])
            elif action in ("pass", "fail", "skip"):
                ended[action] += 1
                tell(name, action, event.get("Elapsed", 0), written.pop(name, []))
            elif action == "build-fail":
                ended["fail"] += 1
                print("".join(written.pop(name, [])))
    return 1 if ended["fail"] or not ended["pass"] else 0


def tell(name, action, seconds, lines):
    if name:
        print(f"{ {'pass': 'ok     ', 'fail': 'FAILED ', 'skip': 'skipped'}[action] } {seconds:6.1f} s  {name}")
    if action == "fail":
        print("".join(lines))
    elif name:
        for line in filter(LOGGED.match, lines):
            print(f"                   {LOGGED.sub('', line)}", end="")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
