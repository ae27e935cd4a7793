"""Functions of the product that no product or test object file refers to."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
build = ROOT / sys.argv[1]
defined, used = {}, set()
for obj in build.rglob("*.o"):
    product = "/tests/" not in str(obj.relative_to(build).as_posix().join(["/", ""]))
    out = subprocess.run(["nm", obj], capture_output=True, text=True, check=True).stdout
    local = set()
    for line in out.splitlines():
        match = re.match(r"\S*\s*([A-Za-z]) (\S+)$", line)
        if not match:
            continue
        kind, name = match.groups()
        if kind == "U":
            used.add(name)
        elif kind == "T" and product:
            defined[name] = obj
# A function that is only used in its own file leaves no undefined symbol: look for its name there.
dead = []
for name, obj in sorted(defined.items()):
    if name in used or name == "main":
        continue
    source = str(obj).split(".dir/")[-1][:-2]
    candidates = [p for p in ROOT.rglob(source) if "/build/" not in str(p)]
    text = "".join(p.read_text() for p in candidates)
    if len(re.findall(rf"\b{re.escape(name)}\b", text)) < 2:
        dead.append(f"{name} ({source}) is called by nothing")
print("\n".join(dead))
sys.exit(bool(dead))
