"""The demo room of the real server, and many real WebRTC clients in one process."""

import json
import re
import signal
import subprocess
import sys
import time
import urllib.request

import measure

SETTLE = 8 # for 5 s after it connected, libnice looks every 20 ms whether there is more to check
FPS = 30 # of the demo room


class Server:
    def __init__(self, options):
        self.log = open(options.log("server"), "w+")
        command = [options.server(), "--demo", "--set", "http.listen=127.0.0.1:0",
                   "--set", "https.listen=", "--set", f"layout.dir={options.project}/layouts",
                   "--set", f"http.web_dir={options.project}/web", "--set", "log.level=warning",
                   "--set", "server.drain_seconds=0",
                   "--set", "room.max_participants=1000",
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
    """CPU microseconds per second of the server, and what the clients got in a second. Without the
    threads that make the picture: viewers do not change what they do, but they vary by more from
    one window to the next than a few viewers cost."""
    before, began = clients.count(), time.monotonic()
    used = measure.process_cpu(server.process.pid, "video-")
    time.sleep(options.seconds)
    used = measure.process_cpu(server.process.pid, "video-") - used
    elapsed, after = time.monotonic() - began, clients.count()
    return used / elapsed * 1e6, {key: (after[key] - before[key]) / elapsed for key in after}


def least_us(options, viewers, rates, paced):
    """Protect and send alone, the packets of a picture with one system call, for what one viewer
    got in a second. paced: with the pauses that are between two packets of sound or two pictures;
    else in a row."""
    total = 0
    for kind, per_second in (("audio", 50), ("video", FPS)):
        size = min(round(rates[f"{kind}_bytes"] / max(rates[f"{kind}_packets"], 1)), 1200)
        run = max(round(rates["video_packets"] / FPS), 1) if kind == "video" else 1
        rounds = 2 * per_second if paced else max(2000 // viewers, 100) // run + 1
        _, output = measure.run_everywhere([
            options.program("bench_send"), viewers, rounds * run, size, run,
            1000000 // per_second if paced else 0])
        total += rates[f"{kind}_packets"] * measure.last_json(output)["us_per_packet"]
    return total
