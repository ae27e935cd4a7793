"""scripts/bench simulcast: what decoding costs where senders offer three sizes and the tiles are small."""

import clips
import measure

SENDERS = 16
SECONDS = 10
DISTINCT = 4  # clips; senders repeat them
LAYERS = (((320, 180), "150k"), ((640, 360), "500k"), ((1280, 720), "1500k"))
AIM = 3.0


def command(options, files, simulcast):
    return [options.program("bench_room"), "--senders", SENDERS, "--seconds", SECONDS, "--no-sound",
            "--warm-up", 1, "--set", f"layout.dir={options.project}/layouts", "--set", "log.level=error",
            *(["--simulcast"] if simulcast else []), *files]


def bench(options):
    layered = [[clips.video(options.program("bench_clip"), options.directory, number + 1,
                            SECONDS + 2, size, rate) for size, rate in LAYERS]
               for number in range(DISTINCT)]
    everything = [path for layers in layered for path in layers]
    largest = [layers[-1] for layers in layered]
    costs = {"top layer": [], "layer that fits": []}
    for _ in range(options.runs):
        for name, files, simulcast in (("top layer", largest, False), ("layer that fits", everything, True)):
            _, output = measure.run(options.cpu, command(options, files, simulcast), options.log("simulcast"))
            report = measure.last_json(output)
            if report["decoded"] < 0.95 * SENDERS * SECONDS * clips.FPS:
                raise SystemExit(f"simulcast: only {report['decoded']} pictures were decoded; see "
                                 f"{options.log('simulcast')}.")
            costs[name].append(report)
    print(f"\n{SENDERS} senders of 320x180, 640x360 and 1280x720 (VP8) in a 4x4 grid of 1280x720; "
          f"{options.runs} runs of {SECONDS} s; ms CPU for each second of each sender, median (range)")
    per_second = {}
    for name, reports in costs.items():
        per_second[name] = [r["decode_ms"] / SENDERS / SECONDS for r in reports]
        compose = [r["compose_ms"] / SENDERS / SECONDS for r in reports]
        whole = [r["cpu_ms"] / SENDERS / SECONDS for r in reports]
        print(f"  {name:16} decode {measure.spread(per_second[name], '{:.2f}')}, compose "
              f"{measure.spread(compose, '{:.2f}')}, everything {measure.spread(whole, '{:.2f}')}")
    falls = measure.ratios(per_second["top layer"], per_second["layer that fits"])
    met = "met" if sorted(falls)[len(falls) // 2] >= AIM else "MISSED"
    print(f"  decoding falls by  {measure.spread(falls, '{:.1f}')}  aim >= {AIM:.1f}: {met}", flush=True)
