"""Include ranks, include cycles, and sizes (docs/architecture.md, "How the code reads")."""
import collections
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
RANKS = [
    ("src/base/", 0), ("src/config", 1), ("codecs/", 2), ("mixer/", 2), ("src/sdp/", 2),
    ("src/rtp/", 3), ("src/net/", 4), ("src/io/", 4), ("src/room/", 5), ("src/api/", 6),
    ("src/", 7),
]
MAX_FUNCTION, MAX_FILE = 60, 600


def folder_and_rank(path):
    for prefix, rank in RANKS:
        if path.startswith(prefix):
            return prefix, rank
    return None, None


def includes(path):
    for line in (ROOT / path).read_text().splitlines():
        match = re.match(r'\s*#include "([^"]+)"', line)
        if match:
            name = match.group(1)
            for candidate in ("src/" + name, name):
                if (ROOT / candidate).is_file():
                    yield candidate
                    break


def main():
    problems = []
    files = sorted(str(p.relative_to(ROOT)) for d in ("src", "codecs", "mixer")
                   for p in (ROOT / d).rglob("*.[ch]"))
    graph = collections.defaultdict(set)
    for path in files:
        folder, rank = folder_and_rank(path)
        for target in includes(path):
            graph[path].add(target)
            other, other_rank = folder_and_rank(target)
            if other is None:
                problems.append(f"{path}: includes {target}, which is in no ranked folder")
            elif other != folder and other_rank >= rank:
                problems.append(f"{path}: includes {target}, which is not of a lower rank")
        lines = (ROOT / path).read_text().count("\n")
        if lines > MAX_FILE:
            problems.append(f"{path}: {lines} lines, at most {MAX_FILE}")

    state = {}

    def visit(path, trail):
        state[path] = "open"
        for target in graph[path]:
            if state.get(target) == "open":
                problems.append("include cycle: " + " -> ".join(trail + [path, target]))
            elif target not in state:
                visit(target, trail + [path])
        state[path] = "done"

    for path in files:
        if path not in state:
            visit(path, [])

    tags = subprocess.run(
        ["ctags", "-x", "--c-kinds=f", "--_xformat=%{line} %{end} %N %F"] + files,
        cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for tag in tags.splitlines():
        start, end, name, path = tag.split()
        if end.isdigit() and int(end) - int(start) + 1 > MAX_FUNCTION:
            problems.append(f"{path}:{start}: {name} has {int(end) - int(start) + 1} lines, "
                            f"at most {MAX_FUNCTION}")
    print("\n".join(problems))
    return bool(problems)


sys.exit(main())
