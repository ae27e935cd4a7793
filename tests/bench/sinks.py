"""scripts/bench sinks: one scene recorded, broadcast, as HLS and for ten viewers, against ffmpeg."""

import os
import shutil
import socket
import statistics
import subprocess
import time

import clips
import measure
import mix
import peers

COUNT = 4
VIEWERS = 10
AIM = 1.0
ROUND = ("viewers", "+ RTMP", "+ MP4", "+ HLS", "+ all", "all, nobody else")


class Receiver:
    """A program that takes an RTMP stream and throws it away; what it uses is not counted."""

    def __enter__(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"rtmp://127.0.0.1:{port}/live/show"
        self.child = subprocess.Popen(
            ["ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "quiet", "-listen", "1", "-i", self.url,
             "-c", "copy", "-f", "null", "-"], stdin=subprocess.DEVNULL)
        time.sleep(0.5)
        return self.url

    def __exit__(self, *_):
        self.child.kill()
        self.child.wait()


def empty(options):
    directory = os.path.join(options.directory, "sinks")
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory)
    return directory


def ours(options, files, name, url):
    """CPU milliseconds for each second of one of ROUND, and what it tells of itself."""
    extra = ["--realtime", "--warm-up", 2, "--seconds", options.seconds,
             "--viewers", 0 if name.startswith("all") else VIEWERS,
             "--set", "video.codec=H264", "--set", "broadcast.allowed_networks=127.0.0.0/8",
             "--set", f"record.dir={empty(options)}", "--set", "record.min_free_mb=1"]
    if "RTMP" in name or "all" in name:
        extra += ["--broadcast", url]
    if "MP4" in name or "all" in name:
        extra += ["--record"]
    if "HLS" in name or "all" in name:
        extra += ["--hls"]
    command = mix.ours(options, files, COUNT, extra)
    _, output = measure.run_everywhere(command, options.log("sinks"))
    report = measure.last_json(output)
    if report["left_out"] > 60:  # some, until the receiver has answered
        print(f"  {name}: {report['left_out']} packets were left out", flush=True)
    return report["cpu_ms"] / report["media_s"], report


def theirs(options, files, preset, url):
    """ffmpeg: the same decoders and filter graph, one x264, one AAC, and three muxers."""
    directory = empty(options)
    command = peers.ffmpeg(files, COUNT, "bilinear")
    command = command[:command.index("-c:v")]
    command += ["-c:v", "libx264", "-preset", preset, "-tune", "zerolatency", "-threads", "1",
                "-b:v", str(peers.VIDEO_BPS), "-maxrate", str(peers.VIDEO_BPS),
                "-bufsize", str(peers.VIDEO_BPS), "-bf", "0", "-g", str(2 * clips.FPS),
                "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "128k", "-ar", "48000", "-ac", "2",
                "-flags", "+global_header", "-f", "tee",
                f"[f=flv:flvflags=no_duration_filesize]{url}"
                f"|[movflags=frag_keyframe+empty_moov+default_base_moof]{directory}/show.mp4"
                f"|[f=hls:hls_segment_type=fmp4:hls_time=2:hls_list_size=6"
                f":hls_flags=delete_segments]{directory}/index.m3u8"]
    return measure.run(options.cpu, command, options.log("ffmpeg-sinks"))[0]


def against_ffmpeg(options, files, short, preset):
    with Receiver() as url:
        started = theirs(options, short, preset, url)
    with Receiver() as url:
        used = theirs(options, files, preset, url)
    return (used - started) * 1000 / (clips.SECONDS - clips.SHORT)


def print_ours(options, used, reports):
    print(f"\n{COUNT} senders of 640x360@30 VP8 + Opus -> 1280x720@30 H.264 (openh264) + AAC, in real "
          f"time, {options.runs} interleaved runs of {options.seconds} s; ms CPU/s, median (range)")
    base = used[ROUND[0]]
    for name in ROUND:
        more = statistics.median(a - b for a, b in zip(used[name], base))
        pictures = statistics.median(r["encoded"] / r["media_s"] for r in reports[name])
        label = f"{VIEWERS} viewers" if name == "viewers" else name
        print(f"  {label:18} {measure.spread(used[name])}, {more:+.1f} to the viewers alone; "
              f"{pictures:.1f} pictures/s encoded")


def bench(options):
    files = clips.make(options.program("bench_clip"), options.directory)
    short = clips.make(options.program("bench_clip"), options.directory, clips.SHORT)
    presets = ("ultrafast", "superfast", "veryfast")
    used = {name: [] for name in ROUND + presets}
    reports = {name: [] for name in ROUND}
    for _ in range(options.runs):
        for name in ROUND:
            with Receiver() as url:
                cpu, report = ours(options, files, name, url)
            used[name].append(cpu)
            reports[name].append(report)
        for preset in presets:
            used[preset].append(against_ffmpeg(options, files, short, preset))
    print_ours(options, used, reports)
    for preset in presets:
        both = measure.ratios(used[ROUND[-1]], used[preset])
        print(f"  ffmpeg {preset:11} {measure.spread(used[preset])}; ours without viewers / "
              f"ffmpeg {measure.verdict(both, AIM)}", flush=True)
