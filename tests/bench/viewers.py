"""scripts/bench viewers: what one more viewer of a scene costs, with 1, 10, 100 and 500 of them:
CPU against protect and send alone (AES-128-GCM, the packets of a picture with one system call), and
resident memory."""

import statistics
import time

import measure
from demo_room import SETTLE, Clients, Server, least_us, window

COUNTS = (10, 100, 500)
WATCHERS = 100 # of those who tell when each packet came
AIM = 1.5


def one_run(options, results):
    server = Server(options)
    clients = Clients(options, server)
    pid = server.process.pid
    viewers = 1
    try:
        clients.add("view", "/whep/demo")
        time.sleep(SETTLE)
        first_mib = measure.resident_mib(pid)[0]
        alone_us, _ = window(options, server, clients)
        results["alone"].append(alone_us)
        for count in COUNTS:
            while viewers < count:
                clients.add("view", "/whep/demo")
                viewers += 1
            time.sleep(SETTLE)
            mib = measure.resident_mib(pid)[0]
            us, rates = window(options, server, clients)
            rates = {key: value / count for key, value in rates.items()}
            row = results[count]
            row["us"].append((us - alone_us) / (count - 1))
            row["paced"].append(least_us(options, count, rates, True))
            row["warm"].append(least_us(options, count, rates, False))
            row["kib"].append((mib - first_mib) * 1024 / (count - 1))
            row["packets"].append(rates["audio_packets"] + rates["video_packets"])
    finally:
        clients.stop()
        server.stop()
    watched(options, alone_us, results["watch"])


def watched(options, alone_us, row):
    """The same with viewers that give feedback, as browsers do: the server estimates their lines."""
    server = Server(options)
    clients = Clients(options, server)
    try:
        for _ in range(WATCHERS):
            clients.add("watch", "/whep/demo")
        time.sleep(2 * SETTLE) # the estimates rise
        us, rates = window(options, server, clients)
        rates = {key: value / WATCHERS for key, value in rates.items()}
        row["us"].append((us - alone_us) / (WATCHERS - 1))
        row["paced"].append(least_us(options, WATCHERS, rates, True))
        row["packets"].append(rates["audio_packets"] + rates["video_packets"])
    finally:
        clients.stop()
        server.stop()


def bench(options):
    results = {count: {key: [] for key in ("us", "paced", "warm", "kib", "packets")}
               for count in COUNTS}
    results["alone"] = []
    results["watch"] = {key: [] for key in ("us", "paced", "packets")}
    for _ in range(options.runs):
        one_run(options, results)
    print(f"\nOne scene and its viewers, {options.runs} runs; median (range)")
    print(f"  CPU of the room with one viewer, without making the picture   {measure.spread([us / 1000 for us in results['alone']])} ms/s")
    for count in COUNTS:
        row = results[count]
        print(f"  {count} viewers, each further one (it got {statistics.median(row['packets']):.0f} packets/s)")
        print(f"    CPU, us/s                              {measure.spread(row['us'], '{:.0f}')}")
        for key, how in (("paced", "at its pace"), ("warm", "in a row  ")):
            against = measure.ratios(row["us"], row[key])
            print(f"    protect and send alone, {how}    {measure.spread(row[key], '{:.0f}')}")
            print(f"    CPU / protect and send, {how}    {measure.verdict(against, AIM)}")
        print(f"    resident memory, KiB                   {measure.spread(row['kib'], '{:.0f}')}", flush=True)
    row = results["watch"]
    against = measure.ratios(row["us"], row["paced"])
    print(f"  {WATCHERS} viewers with feedback, each further one (it got {statistics.median(row['packets']):.0f} packets/s)")
    print(f"    CPU, us/s                              {measure.spread(row['us'], '{:.0f}')}")
    print(f"    CPU / protect and send, at its pace    {measure.verdict(against, AIM)}", flush=True)
