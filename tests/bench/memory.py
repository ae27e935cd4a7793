"""scripts/bench memory: the resident memory of the demo room, of a viewer and of a sender."""

import time

import clips
import measure
from demo_room import SETTLE, Clients, Server

MORE_VIEWERS, MORE_SENDERS = 20, 6


def one_run(options, files, results):
    server = Server(options)
    clients = Clients(options, server)
    pid = server.process.pid
    try:
        clients.add("view", "/whep/demo")
        time.sleep(SETTLE)
        first = measure.resident_mib(pid)
        for _ in range(MORE_VIEWERS):
            clients.add("view", "/whep/demo")
        time.sleep(SETTLE)
        viewed = measure.resident_mib(pid)
        for i in range(MORE_SENDERS):
            clients.add(f"send {files['video'][i]} {files['speech'][i]}", f"/whip/demo?name=S{i}")
        time.sleep(SETTLE)
        sent = measure.resident_mib(pid)
        results["demo"].append(first[0])
        results["demo_anon"].append(first[1])
        results["viewer"].append((viewed[0] - first[0]) / MORE_VIEWERS)
        results["sender"].append((sent[0] - viewed[0]) / MORE_SENDERS)
    finally:
        clients.stop()
        server.stop()


def bench(options):
    files = clips.make(options.program("bench_clip"), options.directory)
    results = {key: [] for key in ("demo", "demo_anon", "viewer", "sender")}
    for _ in range(options.runs):
        one_run(options, files, results)
    print(f"\nThe server's demo room with WebRTC viewers, {options.runs} runs; median (range)")
    print(f"  resident, four test sources and one viewer, MiB   {measure.verdict(results['demo'], 80)}")
    print(f"    of it not mapped from files                      {measure.spread(results['demo_anon'])}")
    print(f"  each further viewer, MiB                          {measure.verdict(results['viewer'], 0.5)}")
    print(f"  each further 640x360 sender, MiB                  {measure.verdict(results['sender'], 6)}",
          flush=True)
