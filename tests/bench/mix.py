"""scripts/bench mix: the graph, fed from files, against ffmpeg and GStreamer."""

import clips
import measure
import peers

COUNTS = (4, 9, 16)
AIMS = {4: (0.95, None), 9: (0.95, 0.7), 16: (0.8, 0.7)}


def ours(options, files, count, extra=()):
    return [options.program("bench_room"), "--senders", count, "--seconds", files["seconds"],
            "--set", f"layout.dir={options.project}/layouts", "--set", "log.level=error",
            "--set", "video.ladder=", *extra, *files["video"][:count], *files["speech"][:count]]


def commands(options, files, count):
    """Each program's name and command. ffmpeg scales bicubically by default; bilinear is what we
    and GStreamer do."""
    yield "tessera", ours(options, files, count)
    yield "ffmpeg", peers.ffmpeg(files, count, "bicubic")
    if count != 4:  # nothing is scaled
        yield "ffmpeg bilinear", peers.ffmpeg(files, count, "bilinear")
    yield "GStreamer", peers.gstreamer(files, count)


def flat_out(options, files, short, count):
    """CPU seconds of each program in each run, one after the other, without what the same program
    needs for a clip of a second (its start); and what ours says of itself."""
    used = {"tessera": [], "ffmpeg": [], "ffmpeg bilinear": [], "GStreamer": []}
    reports = []
    for _ in range(options.runs):
        starts = {name: measure.run(options.cpu, command, options.log(name.split()[0]))[0]
                  for name, command in commands(options, short, count)}
        for name, command in commands(options, files, count):
            seconds, output = measure.run(options.cpu, command, options.log(name.split()[0]))
            used[name].append(seconds - starts[name])
            if name == "tessera":
                reports.append(measure.last_json(output))
    return used, reports


def per_frame(seconds):
    return [s * 1000 / ((clips.SECONDS - clips.SHORT) * clips.FPS) for s in seconds]


def print_count(options, count, used, reports):
    print(f"\n{count} senders of 640x360@30 VP8 + Opus -> 1280x720@30 VP8 + Opus, "
          f"{options.runs} interleaved runs of {clips.SECONDS} s; ms CPU per picture, median (range)")
    for name, seconds in used.items():
        if seconds:
            print(f"  {name:16} {measure.spread(per_frame(seconds), '{:.2f}')}")
    frames = reports[0]["frames"]
    parts = {key: [r[f"{key}_ms"] / r["frames"] for r in reports]
             for key in ("decode", "compose", "encode")}
    rest = [(r["cpu_ms"] - r["decode_ms"] - r["compose_ms"] - r["encode_ms"]) / r["frames"]
            for r in reports]
    print(f"  of ours: decode {measure.spread(parts['decode'], '{:.2f}')}, compose "
          f"{measure.spread(parts['compose'], '{:.2f}')}, encode "
          f"{measure.spread(parts['encode'], '{:.2f}')}, sound and network "
          f"{measure.spread(rest, '{:.2f}')}; {frames} pictures")
    to_ffmpeg, to_gstreamer = AIMS[count]
    print(f"  / ffmpeg           {measure.verdict(measure.ratios(used['tessera'], used['ffmpeg']), to_ffmpeg)}")
    if used["ffmpeg bilinear"]:
        print(f"  / ffmpeg bilinear  "
              f"{measure.spread(measure.ratios(used['tessera'], used['ffmpeg bilinear']), '{:.2f}')}")
    against = measure.ratios(used["tessera"], used["GStreamer"])
    print("  / GStreamer        " + (measure.verdict(against, to_gstreamer) if to_gstreamer
                                     else measure.spread(against, "{:.2f}")), flush=True)


def print_deadlines(options, files, count):
    _, output = measure.run_everywhere(ours(options, files, count, ("--realtime", "--warm-up", 2)),
                                       options.log("realtime"))
    report = measure.last_json(output)
    print(f"  {count:2} senders: sound {report['audio_late']} of {report['audio_ticks']} ticks late "
          f"(> 10 ms), {report['audio_skipped']} left out, worst {report['audio_worst_late_ms']:.1f} ms; "
          f"pictures {report['scene_late']} of {report['scene_ticks']} late (> 1 frame), "
          f"{report['scene_skipped']} left out, {report['replaced']} not encoded in time, "
          f"{report['dropped']} not decoded; {report['cpu_ms'] / report['media_s']:.0f} ms CPU/s",
          flush=True)


def bench(options):
    files = clips.make(options.program("bench_clip"), options.directory)
    short = clips.make(options.program("bench_clip"), options.directory, clips.SHORT)
    for count in COUNTS:
        print_count(options, count, *flat_out(options, files, short, count))
    print("\nDeadlines, in real time with the server's own threads on every CPU:")
    for count in COUNTS:
        print_deadlines(options, files, count)
