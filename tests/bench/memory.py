"""scripts/bench memory: the demo room of the real server with real WebRTC viewers: resident memory,
and what one more viewer costs."""

import json
import re
import signal
import subprocess
import sys
import time
import urllib.request

import clips
import measure

MORE_VIEWERS, MORE_SENDERS = 20, 6
SETTLE = 8 # for 5 s after it connected, libnice looks every 20 ms whether there is more to check
FPS = 30 # of the demo room


class Server:
    def __init__(self, options):
        self.log = open(options.log("server"), "w+")
        command = [options.server(), "--demo", "--set", "http.listen=127.0.0.1:0",
                   "--set", "https.listen=", "--set", f"layout.dir={options.project}/layouts",
                   "--set", f"http.web_dir={options.project}/web", "--set", "log.level=warning",
                   "--set", "server.drain_seconds=0",
                   "--set", "video.ladder="] # these clients do not tell what they get
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.url = None
        for line in self.process.stdout:
            found = re.search(r"http://\S+", line)
            if found:
                self.url = found.group(0).rstrip("/")
                break
        if not self.url:
            sys.exit(f"The server does not start; see {self.log.name}.")

    def post(self, path, offer):
        request = urllib.request.Request(self.url + path, offer.encode(),
                                         {"Content-Type": "application/sdp"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read().decode()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        self.log.close()


class Clients:
    def __init__(self, options, server):
        self.server = server
        self.process = subprocess.Popen([options.program("bench_viewers")], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def hear(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit("bench_viewers has ended.")
        return json.loads(line)

    def add(self, command, path):
        self.say(command)
        offer = self.hear()
        answer = self.server.post(path, offer["offer"])
        self.say(f"answer {offer['peer']} {json.dumps(answer)}")
        if not self.hear().get("connected"):
            sys.exit("A client did not connect.")

    def count(self):
        self.say("count")
        return self.hear()

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


def window(options, server, clients):
    """CPU microseconds per second of the server, and what the clients got in a second."""
    before, began = clients.count(), time.monotonic()
    used = measure.process_cpu(server.process.pid)
    time.sleep(options.seconds)
    used = measure.process_cpu(server.process.pid) - used
    elapsed, after = time.monotonic() - began, clients.count()
    return used / elapsed * 1e6, {key: (after[key] - before[key]) / elapsed for key in after}


def least_us(options, rates, together):
    """Protect and send alone, for what one viewer got in a second; with `together`, the packets of a
    picture with one system call."""
    total = 0
    for kind in ("audio", "video"):
        size = round(rates[f"{kind}_bytes"] / max(rates[f"{kind}_packets"], 1))
        run = max(round(rates["video_packets"] / FPS), 1) if together and kind == "video" else 1
        _, output = measure.run_everywhere([options.program("bench_send"), MORE_VIEWERS, 2000,
                                            min(size, 1200), run])
        total += rates[f"{kind}_packets"] * measure.last_json(output)["us_per_packet"]
    return total


def one_run(options, files, results):
    server = Server(options)
    clients = Clients(options, server)
    pid = server.process.pid
    try:
        clients.add("view", "/whep/demo")
        time.sleep(SETTLE)
        first = measure.resident_mib(pid)
        alone, rates = window(options, server, clients)
        for _ in range(MORE_VIEWERS):
            clients.add("view", "/whep/demo")
        time.sleep(SETTLE)
        viewed = measure.resident_mib(pid)
        together, all_rates = window(options, server, clients)
        for i in range(MORE_SENDERS):
            clients.add(f"send {files['video'][i]} {files['speech'][i]}", f"/whip/demo?name=S{i}")
        time.sleep(SETTLE)
        sent = measure.resident_mib(pid)
        results["demo"].append(first[0])
        results["demo_anon"].append(first[1])
        results["viewer"].append((viewed[0] - first[0]) / MORE_VIEWERS)
        results["sender"].append((sent[0] - viewed[0]) / MORE_SENDERS)
        results["alone"].append(alone)
        results["viewer_us"].append((together - alone) / MORE_VIEWERS)
        results["single_us"].append(least_us(options, rates, False))
        results["least_us"].append(least_us(options, rates, True))
        results["rates"] = {k: v / (1 + MORE_VIEWERS) for k, v in all_rates.items()}
    finally:
        clients.stop()
        server.stop()


def bench(options):
    files = clips.make(options.program("bench_clip"), options.directory)
    results = {key: [] for key in ("demo", "demo_anon", "viewer", "sender", "alone", "viewer_us",
                                   "single_us", "least_us")}
    for _ in range(options.runs):
        one_run(options, files, results)
    rates = results["rates"]
    print(f"\nThe server's demo room with WebRTC viewers, {options.runs} runs; median (range)")
    print(f"  resident, four test sources and one viewer, MiB   {measure.verdict(results['demo'], 80)}")
    print(f"    of it not mapped from files                      {measure.spread(results['demo_anon'])}")
    print(f"  each further viewer, MiB                          {measure.verdict(results['viewer'], 0.5)}")
    print(f"  each further 640x360 sender, MiB                  {measure.verdict(results['sender'], 6)}")
    print(f"  CPU of the room with one viewer                   "
          f"{measure.spread([us / 1000 for us in results['alone']])} ms/s")
    print(f"  CPU of one more viewer                            {measure.spread(results['viewer_us'], '{:.0f}')} us/s"
          f"  ({rates['video_packets']:.0f} video and {rates['audio_packets']:.0f} audio packets/s, "
          f"{(rates['video_bytes'] + rates['audio_bytes']) * 8 / 1000:.0f} kbit/s)")
    print(f"  protect (AES-128-GCM) and send packet by packet   {measure.spread(results['single_us'], '{:.0f}')} us/s")
    print(f"  protect and send a picture with one call (GSO)    {measure.spread(results['least_us'], '{:.0f}')} us/s")
    against = measure.ratios(results["viewer_us"], results["least_us"])
    print(f"  one more viewer / protect and send with GSO       {measure.spread(against, '{:.2f}')}", flush=True)
