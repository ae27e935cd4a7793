"""Running programs and what they cost. CPU time is user + system time of the whole process, as the
kernel counts it; wall time is never compared."""

import json
import os
import statistics
import subprocess
import sys


def pinned(cpu, command):
    return ["taskset", "-c", str(cpu)] + [str(word) for word in command]


def run(cpu, command, log=None):
    """CPU seconds and standard output of a program that runs to its end on one CPU."""
    return run_everywhere(pinned(cpu, command), log)


def run_everywhere(command, log=None):
    """The same on every CPU."""
    command = [str(word) for word in command]
    with open(log or os.devnull, "wb") as errors:
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors,
                                 stdin=subprocess.DEVNULL)
        output = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"{command[0]} failed ({child.returncode}); see {log}:\n"
                 + (open(log).read()[-2000:] if log else ""))
    return usage.ru_utime + usage.ru_stime, output.decode()


def last_json(output):
    return json.loads(output.strip().splitlines()[-1])


def process_cpu(pid, without=None):
    """CPU seconds that a running process has used, over all its threads, to the nanosecond; not
    of the threads whose names begin with `without`."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/comm") as file:
                if without and file.read().startswith(without):
                    continue
            with open(f"/proc/{pid}/task/{task}/schedstat") as file:
                total += int(file.read().split()[0])
        except FileNotFoundError:
            continue
    return total / 1e9


def resident_mib(pid):
    """Resident memory, without what is only mapped from files: (total, anonymous) in MiB."""
    values = {}
    with open(f"/proc/{pid}/status") as file:
        for line in file:
            if line.startswith(("VmRSS", "RssAnon")):
                values[line.split(":")[0]] = int(line.split()[1]) / 1024
    return values["VmRSS"], values["RssAnon"]


def spread(values, form="{:.1f}"):
    """Median and range as text."""
    middle = form.format(statistics.median(values))
    return f"{middle} ({form.format(min(values))}..{form.format(max(values))})"


def ratios(ours, theirs):
    """The ratio of each run's pair: both ran one after the other, on the same machine's mood."""
    return [a / b for a, b in zip(ours, theirs)]


def verdict(values, aim):
    middle = statistics.median(values)
    return f"{spread(values, '{:.2f}')}  aim <= {aim:.2f}: {'met' if middle <= aim else 'MISSED'}"
