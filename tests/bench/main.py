"""scripts/bench: which parts to run, and where things are."""

import argparse
import importlib
import os
import sys

PARTS = ("mix", "sinks", "audio", "memory", "viewers", "compose", "simulcast")


class Options:
    def __init__(self, arguments):
        self.project = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        self.directory = os.path.join(self.project, "build", "bench")
        self.build = os.path.abspath(arguments.build or os.path.join(self.project, "build", "release"))
        self.runs = arguments.runs
        self.seconds = arguments.seconds
        self.cpu = arguments.cpu if arguments.cpu is not None else max(os.sched_getaffinity(0))

    def program(self, name):
        return os.path.join(self.build, "tests", name)

    def server(self):
        return os.path.join(self.build, "tessera")

    def log(self, name):
        return os.path.join(self.directory, f"{name}.log")


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench")
    parser.add_argument("parts", nargs="*", metavar="part", help=", ".join(PARTS))
    parser.add_argument("--runs", type=int, default=5, help="interleaved runs of each program")
    parser.add_argument("--seconds", type=int, default=10, help="of each run in real time")
    parser.add_argument("--cpu", type=int, help="for what runs on one CPU")
    parser.add_argument("--build", help="build directory, built already")
    arguments = parser.parse_args()
    unknown = [part for part in arguments.parts if part not in PARTS]
    if unknown:
        sys.exit(f"There is no part {unknown[0]}; there are {', '.join(PARTS)}.")
    options = Options(arguments)
    os.makedirs(options.directory, exist_ok=True)
    for part in arguments.parts or PARTS:
        importlib.import_module(part).bench(options)


if __name__ == "__main__":
    main()
