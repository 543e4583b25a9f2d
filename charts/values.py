#!/usr/bin/python3
"""Makes what follows from the chart's values.yaml: README.md's tables, values.schema.json, files/known-values.yaml.

    charts/values.py            writes them
    charts/values.py --check    exit 1 where one of them is not what values.yaml says

A value is documented by the comment above it, which begins with "--". "(TYPE)" first states its type where the default
does not: map, scalars (a map of texts, numbers and booleans), ports (a map of them), list, any, port, enum:A,B, or
scalar types joined by "|".
"""

import json
import pathlib
import re
import sys

import yaml

CHART = pathlib.Path(__file__).parent / "portico"
COMMENT = re.compile(r"^-- (?:\(([^)]+)\) )?(.*)$", re.DOTALL)
SCALARS = ["string", "number", "boolean"]
GENERATED = "Made by charts/values.py from values.yaml."

# JSON schemas of the types. A number may be written as text, as ingress-nginx's users do.
NUMBER = {"type": ["integer", "string", "null"], "pattern": "^-?[0-9]+$"}
PORT = {
    "anyOf": [
        {"type": "integer", "minimum": 0, "maximum": 65535},
        {"type": ["string", "null"], "pattern": "^[0-9]{0,5}$"},
    ]
}
TYPES = {
    "int": NUMBER,
    "port": PORT,
    "ports": {"type": ["object", "null"], "additionalProperties": PORT},
    "string": {"type": ["string", "null"]},
    "string|number": {"type": ["string", "number", "null"]},
    "bool": {"type": ["boolean", "null"]},
    "map": {"type": ["object", "null"]},
    "list": {"type": ["array", "null"]},
    "scalars": {"type": ["object", "null"], "additionalProperties": {"type": [*SCALARS, "null"]}},
    "int|string": {"type": ["integer", "string", "null"]},
    "bool|string": {"type": ["boolean", "string", "null"]},
    "any": {},
}


class Value:
    """One documented value: where it is, its type as values.yaml states it, its default, and what it does."""

    def __init__(self, path, kind, default, text):
        self.path, self.kind, self.default, self.text = path, kind, default, text

    def schema(self):
        if self.kind.startswith("enum:"):
            choices = self.kind.removeprefix("enum:").split(",")
            return {"enum": [*choices, None], "description": self.text}
        return {**TYPES[self.kind], "description": self.text}

    def kind_text(self):
        if not self.kind.startswith("enum:"):
            return self.kind
        return "one of " + ", ".join(f"`{choice}`" for choice in self.kind.removeprefix("enum:").split(",") if choice)


def kind_of(path, default):
    for python_type, kind in ((bool, "bool"), (int, "int"), (str, "string")):
        if isinstance(default, python_type):
            return kind
    raise SystemExit(f"values.yaml: {path}: state its type in parentheses")


def comment_above(lines, index):
    """The comment block that ends above line `index`, without its marks, as one line."""
    found = []
    while index > 0 and lines[index - 1].strip().startswith("#"):
        index -= 1
        found.insert(0, lines[index].strip().removeprefix("#").strip())
    return " ".join(found)


def construct(node):
    return yaml.SafeLoader("").construct_object(node, deep=True)


def read_values(text):
    """The documented values in their order. Undocumented maps are descended into."""
    lines = text.splitlines()
    found = []

    def walk(node, path):
        for key, value in node.value:
            at = (*path, key.value)
            match = COMMENT.match(comment_above(lines, key.start_mark.line))
            if match:
                default = construct(value)
                kind = match[1] or kind_of(".".join(at), default)
                found.append(Value(".".join(at), kind, default, match[2]))
            elif isinstance(value, yaml.MappingNode) and value.value:
                walk(value, at)
            else:
                raise SystemExit(f"values.yaml: {'.'.join(at)} is not documented")

    walk(yaml.compose(text), ())
    return found


def nest(values, leaf, branch):
    """A tree by path; `branch` wraps the members of an inner node."""
    root = {}
    for value in values:
        node = root
        *parents, last = value.path.split(".")
        for parent in parents:
            node = node.setdefault(parent, {})
        node[last] = value

    def build(node):
        if isinstance(node, Value):
            return leaf(node)
        return branch({key: build(inner) for key, inner in node.items()})

    return build(root)


def schema(values):
    # Further members are let through everywhere: ingress-nginx's values that are not served, and NOTES names them.
    tree = nest(values, Value.schema, lambda members: {"type": "object", "properties": members})
    head = {"$schema": "http://json-schema.org/draft-07/schema#", "title": "Portico", "description": GENERATED}
    return json.dumps({**head, **tree}, indent=2, ensure_ascii=False) + "\n"


def known(values):
    return f"# {GENERATED} The values that the chart serves.\n" + yaml.safe_dump(
        nest(values, lambda _: True, dict), sort_keys=False, default_flow_style=False
    )


def cell(text):
    return text.replace("|", "\\|")


def served_table(values):
    rows = ["| value | type | default | meaning |", "|---|---|---|---|"]
    for value in values:
        default = json.dumps(value.default, ensure_ascii=False)
        rows.append(f"| `{value.path}` | {cell(value.kind_text())} | `{cell(default)}` | {cell(value.text)} |")
    return "\n".join(rows)


def ignored_table(ignored):
    rows = ["| value | why it has no effect |", "|---|---|"]
    rows += [f"| `{path}` | {cell(entry['why'])} |" for path, entry in ignored.items() if entry["why"]]
    return "\n".join(rows)


def flags_table(flags):
    rows = ["| flag | why it has no effect |", "|---|---|"]
    rows += [f"| `{flag}` | {cell(why)} |" for flag, why in flags["ingress-nginx"].items()]
    return "\n".join(rows)


def with_section(page, name, body):
    """The page with what stands between its two marks replaced."""
    begin, end = f"<!-- {name}: made by charts/values.py -->", f"<!-- end of {name} -->"
    head, _, rest = page.partition(begin)
    _, mark, tail = rest.partition(end)
    if not mark:
        raise SystemExit(f"README.md: {begin} … {end} is not there")
    return f"{head}{begin}\n{body}\n{end}{tail}"


def outputs():
    values = read_values((CHART / "values.yaml").read_text())
    ignored = yaml.safe_load((CHART / "files/ignored-values.yaml").read_text())
    flags = yaml.safe_load((CHART / "files/flags.yaml").read_text())
    page = (CHART / "README.md").read_text()
    page = with_section(page, "values", served_table(values))
    page = with_section(page, "values without effect", ignored_table(ignored))
    page = with_section(page, "flags without effect", flags_table(flags))
    return {"README.md": page, "values.schema.json": schema(values), "files/known-values.yaml": known(values)}


def main(arguments):
    if arguments not in ([], ["--check"]):
        sys.exit(__doc__)
    stale = []
    for name, text in outputs().items():
        path = CHART / name
        if path.exists() and path.read_text() == text:
            continue
        stale.append(name)
        if not arguments:
            path.write_text(text)
    for name in stale:
        print(f"charts/portico/{name}: {'not what values.yaml says; run charts/values.py' if arguments else 'written'}")
    return 1 if stale and arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
