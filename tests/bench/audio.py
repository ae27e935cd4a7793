"""scripts/bench audio: the sound of a room against Janus AudioBridge, in real time."""

import subprocess
import sys
import time

import clips
import janus
import measure

CASES = ((4, 4, 0.7), (16, 16, 0.7), (32, 32, 0.7), (16, 4, 0.25), (32, 4, 0.25))
SETTLE = 3


def speaker(files, number, talking):
    return files["speech"][number % clips.COUNT] if number < talking else files["quiet"]


def janus_ms(options, files, count, talking):
    """Milliseconds of CPU that Janus uses in a second of this room, the fewest packets that one
    participant got in a second, and the bit rate that one got on average (kbit/s)."""
    server = janus.Janus(options.cpu, options.log("janus"))
    try:
        ports = [server.join(i) for i in range(count)]
        calls = [f"{ours}:{theirs}:{speaker(files, i, talking)}"
                 for i, (ours, theirs) in enumerate(ports)]
        seconds = SETTLE + options.seconds + 1
        callers = subprocess.Popen([options.program("bench_rtp"), str(seconds)] + calls,
                                   stdout=subprocess.PIPE, text=True)
        if callers.stdout.readline().strip() != "ready":
            sys.exit("bench_rtp does not start.")
        time.sleep(SETTLE)
        began, before = time.monotonic(), measure.process_cpu(server.process.pid)
        time.sleep(options.seconds)
        used = measure.process_cpu(server.process.pid) - before
        elapsed = time.monotonic() - began
        heard = measure.last_json(callers.communicate()[0])
        rate = heard["bytes"] * 8 / 1000 / seconds / count
        return used / elapsed * 1000, heard["least_received"] / seconds, rate
    finally:
        server.stop()


def ours_ms(options, files, count, talking):
    command = [options.program("bench_room"), "--realtime", "--no-pictures", "--everyone-views",
               "--viewers", 0, "--senders", count, "--talking", talking, "--warm-up", SETTLE,
               "--seconds", options.seconds, "--quiet", files["quiet"],
               "--set", f"layout.dir={options.project}/layouts", "--set", "log.level=error",
               *files["speech"]]
    _, output = measure.run(options.cpu, command, options.log("ours"))
    report = measure.last_json(output)
    return report["cpu_ms"] / report["media_s"], report


def bench_case(options, files, count, talking, aim):
    theirs, ours, received, rates, late = [], [], [], [], 0
    for _ in range(options.runs):
        used, packets, rate = janus_ms(options, files, count, talking)
        theirs.append(used)
        received.append(packets)
        rates.append(rate)
        used, report = ours_ms(options, files, count, talking)
        ours.append(used)
        late += report["audio_late"] + report["audio_skipped"]
    who = "all talking" if count == talking else f"{talking} talking"
    print(f"  {count:2} people, {who:11}  Janus {measure.spread(theirs)}  tessera "
          f"{measure.spread(ours)}  ratio {measure.verdict(measure.ratios(ours, theirs), aim)}"
          f"   (Janus sent each {min(received):.0f} packets/s, "
          f"{max(rates):.0f} kbit/s; ticks of ours late: {late})",
          flush=True)


def bench(options):
    files = clips.make(options.program("bench_clip"), options.directory)
    print(f"\nSound over plain RTP, everyone hears everyone else, {options.runs} interleaved runs of "
          f"{options.seconds} s; ms CPU per second, median (range)")
    for case in CASES:
        bench_case(options, files, *case)
