"""The house rules a machine can check: who may include whom, where each library lives, how large files get.

    python3 e2e/house.py [ROOT]

Prints one line per fault, `FILE:LINE: what`, and the sizes; exit 1 on a fault.
"""

import pathlib
import re
import statistics
import sys

MODULES = ("routing", "tls", "proxy", "controller", "e2e", "bench")
MAX_LINES = 600
MAX_MEDIAN_LINES = 150

# Folder -> folders of ours it may include, beside itself. An unlisted folder is a fault: a new one needs its place here.
MAY_INCLUDE = {
    "routing": (),
    "tls": ("routing",),
    "proxy/net": ("routing", "tls"),
    "proxy/http": ("routing",),
    "proxy/exchange": ("routing", "tls", "proxy/net", "proxy/http"),
    "proxy/downstream": ("routing", "tls", "proxy/net", "proxy/http", "proxy/exchange"),
    "proxy/upstream": ("routing", "tls", "proxy/net", "proxy/http", "proxy/exchange"),
    "proxy/checks": ("routing", "tls", "proxy/net", "proxy/http", "proxy/exchange", "proxy/upstream"),
    "proxy/server": ("routing", "tls", "proxy"),
    "controller/kube": ("routing", "tls", "proxy/net"),
    "controller/kube/api": ("routing", "tls", "proxy/net", "controller/kube"),
    "controller/translate": ("routing", "tls", "proxy/net", "controller/kube"),
    "controller/status": ("routing", "tls", "proxy/net", "controller/kube", "controller/translate"),
    # The composition root: the only place that knows both sides.
    "controller/cli": MODULES,
    "bench": MODULES,
    "e2e": (),
}

# Header prefix -> the folders it lives in. Tests of the real program (e2e) and benchmarks are outside the house.
HOMES = {
    "boost/asio": ("proxy/net",),
    "boost/beast": ("proxy/http", "controller/kube/api"),
    "openssl/": ("tls",),
    "nghttp2/": ("proxy/http",),
    "yaml-cpp/": ("controller/kube",),
    "ares": ("controller/kube",),
    "zlib.h": ("proxy/http", "controller/kube/api"),
    "brotli/": ("proxy/http",),
    "zstd.h": ("proxy/http",),
    "prometheus/": ("proxy/server",),
    "CLI/": ("controller/cli",),
    "re2/": ("routing",),
}
# Asio's and Beast's one source file each share a translation unit.
HOME_EXCEPTIONS = {("proxy/net", "boost/beast/src.hpp")}
OUTSIDE = ("e2e", "bench")

# routing/ decides and touches nothing: of libraries only these, of the system only how the text of addresses reads, and no
# clock is read.
ROUTING_LIBRARIES = ("absl/", "re2/", "arpa/inet.h")
ROUTING_FORBIDDEN = re.compile(
    r"^(sys/|netinet/|arpa/(?!inet\.h)|unistd|poll|fcntl|pthread|thread|mutex|shared_mutex|condition_variable|future"
    r"|fstream|filesystem|boost/|spdlog/|fmt/)"
)
CLOCK_READ = re.compile(r"_clock::now\(|\bclock_gettime\(|\bgettimeofday\(|\bstd::time\(")

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def source_files(root, suffixes=(".h", ".cc", ".py", ".go")):
    for module in MODULES:
        for path in sorted((root / module).rglob("*")):
            if path.suffix in suffixes and "__pycache__" not in path.parts:
                yield path.relative_to(root)


def folder_of(path):
    """The folder whose rules hold for a file: the deepest that has some; else two levels in proxy and controller."""
    parents = ["/".join(path.parts[:count]) for count in range(len(path.parts) - 1, 0, -1)]
    ruled = [folder for folder in parents if folder in MAY_INCLUDE]
    depth = 2 if path.parts[0] in ("proxy", "controller") else 1
    return ruled[0] if ruled else "/".join(path.parts[:-1][:depth]) or path.parts[0]


def is_test(path):
    return path.stem.endswith(("_test", "_benchmark", "_fuzz")) or "testing" in path.parts


def within(name, folders):
    return any(name == folder or name.startswith(folder + "/") for folder in folders)


def project_include_fault(folder, target):
    if folder not in MAY_INCLUDE:
        return f"folder {folder} has no rule in e2e/house.py"
    if within(target, (folder,)) or within(target, MAY_INCLUDE[folder]):
        return None
    return f'{folder} may not include "{target}"'


def library_include_fault(folder, path, target):
    if folder in OUTSIDE:
        return None
    if folder == "routing" and not is_test(path):
        if ROUTING_FORBIDDEN.match(target):
            return f"routing may not include <{target}>: it decides and touches nothing"
        if "/" in target and not target.startswith(ROUTING_LIBRARIES):
            return f"routing may include absl and RE2 only, not <{target}>"
    for prefix, homes in HOMES.items():
        if target.startswith(prefix) and folder not in homes and (folder, target) not in HOME_EXCEPTIONS:
            return f"<{target}> lives in {', '.join(homes)} only, not in {folder}"
    return None


def line_faults(path, line):
    folder = folder_of(path)
    match = INCLUDE.match(line)
    if match and match[1] == '"':
        yield project_include_fault(folder, match[2])
    elif match:
        yield library_include_fault(folder, path, match[2])
    if folder == "routing" and not is_test(path) and CLOCK_READ.search(line):
        yield "routing reads no clock: time is an argument"


def file_faults(root, path):
    lines = (root / path).read_text().splitlines()
    if len(lines) > MAX_LINES:
        yield f"{path}:{len(lines)}: {len(lines)} lines; {MAX_LINES} are the most"
    if path.suffix in (".py", ".go"):
        return
    for number, line in enumerate(lines, 1):
        for fault in filter(None, line_faults(path, line)):
            yield f"{path}:{number}: {fault}"


def faults(root):
    for path in source_files(root):
        yield from file_faults(root, path)
    for module in MODULES:
        if (root / module).is_dir() and not (root / module / "README.md").exists():
            yield f"{module}/README.md:0: missing; a page: purpose, main types, what may not be included"


def sizes(root):
    lines = sorted((len((root / path).read_text().splitlines()), str(path)) for path in source_files(root))
    if not lines:
        return "no source files", True
    median = statistics.median(count for count, _ in lines)
    largest = ", ".join(f"{name} {count}" for count, name in reversed(lines[-3:]))
    return f"{len(lines)} files, median {median:g} lines; largest: {largest}", median < MAX_MEDIAN_LINES


def main(root):
    found = list(faults(root))
    for fault in found:
        print(fault)
    text, small = sizes(root)
    print(text)
    if not small:
        print(f"the median must stay under {MAX_MEDIAN_LINES}")
    return 1 if found or not small else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)))
