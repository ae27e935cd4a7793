"""scripts/bench compose: what a tick of the compositor and a solution of a layout cost."""

import subprocess
import sys


def bench(options):
    print("== compose: a tick of the compositor (1280x720), a solution of each layout (25 people)")
    sys.stdout.flush()
    for name in ("bench_compose", "bench_layout"):
        command = ["taskset", "-c", str(options.cpu), options.program(name)]
        if subprocess.run(command, cwd=options.project, check=False).returncode:
            sys.exit(f"{name}: a limit is exceeded.")
